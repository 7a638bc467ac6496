// One order for several subjects: each is tried, what was done is told, and what was refused is told at the end. One refusal
// does not keep the others from their order.

import { DistributoError } from '../../domain/errors.ts';
import type { OrderView } from '../api/answers.ts';
import { type Context, wantsText } from './context.ts';

export async function orderEach(
  context: Context,
  subjects: readonly string[],
  order: (subject: string) => Promise<OrderView>,
  describe: (view: OrderView, subject: string) => string,
): Promise<void> {
  const orders: OrderView[] = [];
  const refusals: DistributoError[] = [];
  for (const subject of subjects) {
    try {
      const view = await order(subject);
      orders.push(view);
      if (wantsText(context)) context.print(describe(view, subject));
      else if (context.options.output === 'ndjson') context.print(JSON.stringify(view));
      else if (context.options.output === 'name') context.print(subject);
    } catch (error) {
      if (!(error instanceof DistributoError)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length > 0) throw refusal(refusals, orders);
  if (context.options.output === 'json') context.print(JSON.stringify({ schema: 'distributo/orders/1', orders }));
}

function refusal(refusals: readonly DistributoError[], orders: readonly OrderView[]): DistributoError {
  const [first] = refusals as [DistributoError];
  const done = orders.map((order) => order.subject);
  if (refusals.length === 1 && done.length === 0) return first;
  const facts = refusals.length === 1 ? [] : refusals.map((error) => error.message);
  const message =
    refusals.length === 1 ? first.message : `${refusals.length} of ${refusals.length + done.length} were refused`;
  return new DistributoError(first.code, message, {
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    retryable: first.retryable,
    details: { ...first.details, facts, done },
    cause: first,
  });
}
