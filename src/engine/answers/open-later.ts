// A stream whose source is found when it is first read. Unlike a generator around it, it passes its end on at once: who
// stops following a silent log does not wait for the next line.

export function openLater<T>(open: () => Promise<AsyncIterable<T>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let source: Promise<AsyncIterator<T>> | undefined;
      return {
        async next() {
          source ??= open().then((items) => items[Symbol.asyncIterator]());
          return (await source).next();
        },
        async return() {
          await (await source)?.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
