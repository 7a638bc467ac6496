// Watches a run to its end: redrawn in place on a terminal, a line when something changes elsewhere. Ctrl-C only stops looking;
// a second one within two seconds asks whether to cancel.

import type { EventAnswer } from '../../engine/engine-api.ts';
import type { RunView } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import { formatClock, formatCount, formatQuantity } from '../terminal/format.ts';
import { createLiveView, type LiveView } from '../terminal/live-view.ts';
import { canAsk, confirm } from '../terminal/question.ts';
import { columnsOf } from '../terminal/terminal-stream.ts';
import { textWidth } from '../terminal/text-width.ts';
import type { Context } from './context.ts';
import { describeEvent } from './views/event-line.ts';
import { drawRunFrame } from './views/live-frame.ts';
import { describeCounts, timeSentence } from './views/task-words.ts';

export type Watched =
  | { readonly kind: 'ended'; readonly run: RunView }
  /** Its first tasks are done; the rest waits for a word. */
  | { readonly kind: 'trial-done'; readonly run: RunView }
  | { readonly kind: 'left' };

const SECOND_PRESS_MS = 2000;
const REDRAW_MS = 1000;

export async function watchRun(context: Context, client: ApiClient, run: string): Promise<Watched> {
  const stop = new AbortController();
  const picture = context.stderr.isTTY === true && !context.options.isQuiet ? new Picture(context) : new Lines(context);
  const keys = new Interrupts(context, client, run, picture, stop);
  let last: RunView | undefined;
  try {
    for await (const view of client.watchRun(run, { signal: stop.signal })) {
      last = view;
      keys.last = view;
      picture.show(view);
      if (isTrialDone(view)) return { kind: 'trial-done', run: view };
    }
    await keys.decided;
    if (last?.endedAtMs != null) return { kind: 'ended', run: last };
    if (keys.isLeft) return { kind: 'left' };
    const now = await client.readRun(run);
    return now.endedAtMs === null ? { kind: 'left' } : { kind: 'ended', run: now };
  } finally {
    picture.end();
    keys.release();
  }
}

const isTrialDone = (run: RunView): boolean =>
  run.trialTasks !== null &&
  run.tasks.running === 0 &&
  run.tasks.waiting > 0 &&
  run.jobs.every((job) => job.waitsFor === null || job.waitsFor.kind === 'trial');

interface Display {
  show(run: RunView): void;
  /** Looks no more; what was seen last stays above what follows. */
  leave(): void;
  end(): void;
}

class Picture implements Display {
  readonly #context: Context;
  readonly #view: LiveView;
  readonly #timer: NodeJS.Timeout;
  #run: RunView | undefined;
  #isLeft = false;

  constructor(context: Context) {
    this.#context = context;
    this.#view = createLiveView(context.stderr);
    // Spans grow though nothing happens.
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  show(run: RunView): void {
    this.#run = run;
    this.#draw();
  }

  #draw(): void {
    const run = this.#run;
    if (run === undefined || this.#isLeft) return;
    const { messageStyle: style, time } = this.#context;
    this.#view.update(({ columns, rows }) =>
      drawRunFrame(run, { style, time, nowMs: this.#context.nowMs(), columns, rows }),
    );
  }

  leave(): void {
    clearInterval(this.#timer);
    this.#isLeft = true;
    this.#view.stop();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#view.clear();
  }
}

const HEARTBEAT_MS = 60_000;

const TOLD_STATES: ReadonlySet<string> = new Set([
  'failed',
  'interrupted',
  'lost',
  'cancelled',
  'stopped',
  'succeeded',
  'unreachable',
]);

/** What somebody would act on: not that an attempt began or ended well, nor that a job waits or runs. */
function isWorthALine({ kind, state }: EventAnswer): boolean {
  if (kind === 'attempt-state') return state !== 'succeeded' && TOLD_STATES.has(state ?? '');
  if (kind === 'job-state' || kind === 'run-state') return TOLD_STATES.has(state ?? '');
  return kind !== 'task-requeued';
}

/** For files and CI: what a person would act on, and a sign of life a minute. */
class Lines implements Display {
  readonly #context: Context;
  #seen = 0;
  #saidAtMs = 0;
  #run: RunView | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(context: Context) {
    this.#context = context;
    this.#timer = setInterval(() => this.#beat(), REDRAW_MS);
  }

  show(run: RunView): void {
    const isFirst = this.#run === undefined;
    this.#run = run;
    for (const event of run.recentEvents) {
      if (event.sequence <= this.#seen) continue;
      this.#seen = event.sequence;
      if (!isWorthALine(event)) continue;
      this.#say(event.atMs, describeEvent(event, this.#context.messageStyle).trim());
    }
    if (isFirst) this.#saidAtMs = this.#context.nowMs();
  }

  #beat(): void {
    const nowMs = this.#context.nowMs();
    if (this.#run === undefined || nowMs - this.#saidAtMs < HEARTBEAT_MS) return;
    const { tasks } = this.#run;
    const { style, time } = { style: this.#context.messageStyle, time: this.#context.time };
    const counts = `${formatCount(tasks.succeeded)}/${formatCount(tasks.total)} done, ${formatCount(tasks.running)} running, ${formatCount(tasks.failed)} failed`;
    const finish = timeSentence(this.#run, { style, time, nowMs });
    this.#say(nowMs, finish === null ? counts : `${counts}, ${finish}`);
  }

  #say(atMs: number, text: string): void {
    this.#saidAtMs = this.#context.nowMs();
    this.#context.say(`${formatClock(atMs, this.#context.time)} ${text}`);
  }

  leave(): void {
    this.end();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** Ctrl-C: the first stops looking, a second within two seconds asks. */
class Interrupts {
  readonly #context: Context;
  readonly #client: ApiClient;
  readonly #run: string;
  readonly #display: Display;
  readonly #stop: AbortController;
  readonly #onPress = (): void => this.#press();
  #presses = 0;
  #asking = false;
  isLeft = false;
  last: RunView | undefined;
  /** Resolves when no press is being thought about. */
  decided: Promise<void> = Promise.resolve();

  constructor(context: Context, client: ApiClient, run: string, display: Display, stop: AbortController) {
    this.#context = context;
    this.#client = client;
    this.#run = run;
    this.#display = display;
    this.#stop = stop;
    process.on('SIGINT', this.#onPress);
  }

  #press(): void {
    if (this.#asking) return;
    this.#presses += 1;
    if (this.#presses === 1) {
      this.#display.leave();
      this.isLeft = true;
      const canBeAsked = canAsk({ input: this.#context.stdin, output: this.#context.stderr });
      this.#sayDetached();
      this.decided = canBeAsked ? this.#waitForSecond() : Promise.resolve();
      this.#stop.abort();
    } else {
      this.#asking = true;
    }
  }

  #sayDetached(): void {
    const { stderr, messageStyle } = this.#context;
    const said = `Detached; ${this.#run} goes on without this window.`;
    const ways = [`Back: distributo run --attach ${this.#run}`, `Stop it: distributo cancel ${this.#run}`];
    const line = `${said} ${ways.join(` ${messageStyle.sign.separator} `)}`;
    this.#context.say(textWidth(line) <= columnsOf(stderr) ? line : [said, ...ways]);
  }

  async #waitForSecond(): Promise<void> {
    const untilMs = performance.now() + SECOND_PRESS_MS;
    while (performance.now() < untilMs && !this.#asking) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!this.#asking) return;
    const { running = 0, waiting = 0 } = this.last?.tasks ?? {};
    const stopped = formatQuantity(running, 'running task is', 'running tasks are');
    const never = waiting === 0 ? '' : ` ${formatQuantity(waiting, 'waiting one starts', 'waiting ones start')} never;`;
    const streams = { input: this.#context.stdin, output: this.#context.stderr };
    const yes = await confirm(
      `Cancel ${this.#run}? ${stopped} stopped;${never} results and records are kept.`,
      false,
      streams,
    );
    if (!yes) return;
    const { tasks } = await this.#client.cancel(this.#run);
    this.#context.say(`${this.#run}: ${formatQuantity(tasks ?? 0, 'task')} cancelled`);
  }

  release(): void {
    process.off('SIGINT', this.#onPress);
  }
}

/** One line for a run that ended elsewhere than in a picture. */
export const endLine = (run: RunView, context: Context): string =>
  `${run.run} ${run.state}: ${describeCounts(run.tasks, context.style)}`;
