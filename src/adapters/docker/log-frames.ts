// Takes an engine's log stream apart: frames of an 8-byte header (stream, length), each one message that begins with its
// instant. A message without a line end is part of a longer line.

export type LogMessage = { readonly atMs: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer };

const HEADER_BYTES = 8;
const STDERR = 2;
const SPACE = 0x20;
/** `2026-01-02T03:04:05.123456789Z ` is 31; engines that write an offset need a few more. */
const STAMP_BYTES_MAX = 40;

export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #stampText = '';
  #stampMs = 0;

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
    return { atMs: this.#stampMs, stream, bytes: content.subarray(space + 1) };
  }
}
