// Reads a stream of the engine that is one JSON object a line: events, the progress of a pull.

/** A failure of the stream is thrown; a last line that is cut off is left out. */
export async function* readJsonLines<T>(stream: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim().endsWith('}')) yield JSON.parse(rest) as T;
}
