// Passes the values of `env:` secrets again where a run waits for them: after a restart the controller has none.

import type { RunAnswer } from '../../engine/engine-api.ts';
import type { ApiClient } from '../api/client.ts';
import type { Context } from './context.ts';

export async function supplySecrets(context: Context, client: ApiClient, run: RunAnswer): Promise<void> {
  if (run.endedAtMs !== null) return;
  const known = run.secretsMissing.filter((name) => context.env[name] !== undefined);
  if (known.length > 0) {
    const token = known.includes('AWS_ACCESS_KEY_ID') && context.env.AWS_SESSION_TOKEN ? ['AWS_SESSION_TOKEN'] : [];
    const passed = [...known, ...token];
    await client.supplySecrets(run.run, Object.fromEntries(passed.map((name) => [name, context.env[name] as string])));
    context.say(`passed ${known.join(', ')} to the controller; the values stay in its memory`);
  }
  const missing = run.secretsMissing.filter((name) => !known.includes(name));
  if (missing.length > 0)
    context.warn(`${run.run} waits for ${missing.join(', ')}: set it in this shell and call the command again`);
}
