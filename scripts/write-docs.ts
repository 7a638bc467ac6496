// `npm run docs`: writes the pages that come from the program itself. A test compares them with what is in the repository.

import { writeFileSync } from 'node:fs';
import { renderCliReference } from './cli-reference.ts';
import { renderJsonReference } from './json-reference.ts';

// Compiled to dist/scripts: the repository is two levels above.
const docs = new URL('../../docs/', import.meta.url);
writeFileSync(new URL('cli.md', docs), await renderCliReference());
writeFileSync(new URL('json.md', docs), renderJsonReference());
