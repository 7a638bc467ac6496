// Takes an engine's log stream apart: frames of an 8-byte header (stream, length), each one message that begins with its
// instant. A message without a line end is part of a longer line.

export type LogMessage = { readonly atMs: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer };

const HEADER_BYTES = 8;
const STDERR = 2;
const NEWLINE = 10;
/** The engine parts lines of this length and more. */
const PART_BYTES = 16 * 1024;
const SPACE = 0x20;
/** `2026-01-02T03:04:05.123456789Z ` is 31; engines that write an offset need a few more. */
const STAMP_BYTES_MAX = 40;

export class FrameSplitter {
  readonly #mendsLineEnds: boolean;
  #rest: Buffer = Buffer.alloc(0);
  #stampText = '';
  #stampMs = 0;

  /** Docker's `local` log driver loses the line end of a line that it parted; a part is whole where the line goes on. */
  constructor(mendsLineEnds: boolean) {
    this.#mendsLineEnds = mendsLineEnds;
  }

  split(chunk: Buffer): LogMessage[] {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: LogMessage[] = [];
    let at = 0;
    while (at + HEADER_BYTES <= all.length) {
      const end = at + HEADER_BYTES + all.readUInt32BE(at + 4);
      if (end > all.length) break;
      messages.push(this.#message(all[at] === STDERR ? 'stderr' : 'stdout', all.subarray(at + HEADER_BYTES, end)));
      at = end;
    }
    this.#rest = all.subarray(at);
    return messages;
  }

  #mend(bytes: Buffer): Buffer {
    if (!this.#mendsLineEnds || bytes.length >= PART_BYTES || bytes[bytes.length - 1] === NEWLINE) return bytes;
    return Buffer.concat([bytes, Buffer.of(NEWLINE)]);
  }

  #message(stream: LogMessage['stream'], content: Buffer): LogMessage {
    const space = content.subarray(0, STAMP_BYTES_MAX).indexOf(SPACE);
    if (space < 0) return { atMs: this.#stampMs, stream, bytes: content };
    // Milliseconds are enough, and most messages of a busy program share theirs with the one before.
    const text = content.toString('latin1', 0, Math.min(space, 23));
    if (text !== this.#stampText) {
      const atMs = Date.parse(`${text}${text.endsWith('Z') ? '' : 'Z'}`);
      if (Number.isFinite(atMs)) this.#stampMs = atMs;
      this.#stampText = text;
    }
    return { atMs: this.#stampMs, stream, bytes: this.#mend(content.subarray(space + 1)) };
  }
}
