// `npm run check`: format, lint, types, unit, property and architecture tests. Needs no Docker and no network.

import { checkStyle, report, runTests, sum, testFiles } from './run-tests.mjs';
import { setUp } from './set-up.mjs';

setUp();
const quick = ['src', 'test/property', 'test/engine', 'test/architecture'].flatMap(testFiles);
const total = sum([checkStyle(), await runTests('unit, property, architecture', quick, 2)]);
process.exit(report(total));
