// Which URLs inputs can come from and outputs go to. Said at submission; whether one can be reached shows when it is used.

export type TransferDirection = 'input' | 'output';

/** Lower-case, without the colon; empty where the text has none. */
export const schemeOf = (url: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';

/** What is wrong with it, in words that follow the URL, and what to do; undefined where nothing is. */
export function transferTrouble(
  url: string,
  direction: TransferDirection,
): { readonly what: string; readonly hint: string } | undefined {
  switch (schemeOf(url)) {
    case 'file':
      if (/^file:\/\/(localhost)?\//i.test(url)) return undefined;
      return { what: 'names another machine or no absolute path', hint: 'write file:///absolute/path' };
    case 's3':
      if (/^s3:\/\/[^/]/i.test(url)) return undefined;
      return { what: 'names no bucket', hint: 'write s3://bucket/key' };
    case 'http':
    case 'https':
      if (direction === 'output') {
        return {
          what: 'is a web address: outputs cannot be sent there',
          hint: 'send outputs to a folder or to s3://bucket/key',
        };
      }
      return /^https?:\/\/[^/]/i.test(url) ? undefined : { what: 'names no host', hint: 'write https://host/path' };
    default:
      return {
        what: 'cannot be reached: its scheme is not known',
        hint: 'use a file://, http://, https:// or s3:// URL',
      };
  }
}
