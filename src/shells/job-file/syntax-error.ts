// Where a syntax error was made, as far as that can be told from where the parser noticed it, in our words.

import type { LineCounter, YAMLParseError } from 'yaml';
import { makeProblem, type Problem } from './problem.ts';

export function placeSyntaxError(text: string, lines: LineCounter, error: YAMLParseError): Problem {
  const offset = Math.min(error.pos[0], Math.max(0, text.length - 1));
  const { line, col } = lines.linePos(offset);
  const place = { line: Math.max(1, line), column: Math.max(1, col), width: 1 };
  return makeProblem(place, [], `not YAML: ${error.message}`);
}
