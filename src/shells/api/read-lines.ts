// Cuts a stream of bytes into lines of text. node:readline is slower and can lose lines between two awaits.

export async function* readLines(
  content: AsyncIterable<Uint8Array>,
  bytesMax = Number.POSITIVE_INFINITY,
): AsyncGenerator<string, void, undefined> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const part of content) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE, from); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      const tail = bytes.subarray(from, end);
      if (restBytes + tail.length > bytesMax) throw new LineTooLong(bytesMax);
      yield rest.length === 0 ? tail.toString('utf8') : Buffer.concat([...rest, tail]).toString('utf8');
      rest = [];
      restBytes = 0;
      from = end + 1;
    }
    if (from < bytes.length) {
      rest.push(bytes.subarray(from));
      restBytes += bytes.length - from;
      if (restBytes > bytesMax) throw new LineTooLong(bytesMax);
    }
  }
  if (restBytes > 0) yield Buffer.concat(rest).toString('utf8');
}

const NEWLINE = 10;

export class LineTooLong extends Error {
  constructor(bytesMax: number) {
    super(`a line is longer than ${bytesMax.toLocaleString('en-US')} bytes`);
    this.name = 'LineTooLong';
  }
}
