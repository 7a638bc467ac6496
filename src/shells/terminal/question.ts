// Asks one question on a terminal. What it means and what happens at the worst is said by who asks.

import { createInterface } from 'node:readline';

export type QuestionStreams = {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
};

export const canAsk = (streams: QuestionStreams): boolean =>
  streams.input.isTTY === true && streams.output.isTTY === true;

/** The line typed, in lower case; empty where nothing was typed, undefined where the input ended or Ctrl-C was pressed. */
export function ask(text: string, streams: QuestionStreams): Promise<string | undefined> {
  return new Promise((resolve) => {
    const reader = createInterface({ input: streams.input, output: streams.output, terminal: true });
    let answer: string | undefined;
    reader.on('SIGINT', () => reader.close());
    reader.on('close', () => {
      if (answer === undefined) streams.output.write('\n');
      resolve(answer);
    });
    reader.question(text, (line) => {
      answer = line.trim().toLowerCase();
      reader.close();
    });
  });
}

/** Yes or no; nothing typed means `fallback`. */
export async function confirm(text: string, fallback: boolean, streams: QuestionStreams): Promise<boolean> {
  for (;;) {
    const answer = await ask(`${text} ${fallback ? '[Y/n]' : '[y/N]'} `, streams);
    if (answer === undefined) return false;
    if (answer === '') return fallback;
    if (answer === 'y' || answer === 'yes') return true;
    if (answer === 'n' || answer === 'no') return false;
    streams.output.write('answer y or n\n');
  }
}
