// A URL as it may be shown: in messages, logs and listings. Passwords in it and the values of its query (signed URLs carry
// their signature there) are left out.

export function displayUrl(url: string): string {
  const query = url.indexOf('?');
  const plain = /^https?:/i.test(url) && query >= 0 ? `${url.slice(0, query)}?…` : url;
  return plain.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1…@');
}
