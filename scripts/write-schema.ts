// Writes the JSON Schema of the job file beside the compiled code; part of the build, published with the package.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobFileSchema } from '../src/shells/job-file/job-file-schema.ts';

// Compiled to dist/scripts: dist is one level above.
const file = fileURLToPath(new URL('../job-file.schema.json', import.meta.url));
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(jobFileSchema(), null, 2)}\n`);
