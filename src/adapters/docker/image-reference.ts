// Reads an image's name: which registry it lies in, and the parts that a pull asks for. Follows Docker's own defaults.

export type ImageReference = {
  /** Name without tag and digest, as given. */
  readonly name: string;
  /** Tag or digest; `latest` where none is given. */
  readonly version: string;
  /** Host of the registry: `docker.io` where none is given. */
  readonly registry: string;
};

export function parseImageReference(image: string): ImageReference {
  const [named = '', digest] = image.split('@');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const first = name.split('/')[0] ?? '';
  const hasRegistry = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const registry = hasRegistry && first !== 'index.docker.io' ? first : 'docker.io';
  return { name, version: digest ?? tag ?? 'latest', registry };
}
