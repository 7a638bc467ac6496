// docs/cli.md: what every command says of itself, so that the page cannot differ from the program.

import { PassThrough } from 'node:stream';
import { runCommandLine } from '../src/shells/cli/command-line.ts';
import { COMMAND_NAMES } from '../src/shells/cli/command-names.ts';
import type { Host } from '../src/shells/cli/context.ts';

async function helpOf(words: readonly string[]): Promise<string> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const host = {
    env: { NO_COLOR: '1', LANG: 'C.UTF-8' },
    directory: '/',
    stdin: new PassThrough(),
    stdout,
    stderr,
    nowMs: () => 0,
  };
  await runCommandLine([...words, '--help'], host as unknown as Host);
  stdout.end();
  let text = '';
  for await (const chunk of stdout) text += String(chunk);
  return text.trimEnd();
}

export async function renderCliReference(): Promise<string> {
  const globals = /\n\nGlobal Options:\n(?: .*\n)*/;
  const sections = [];
  for (const { name } of COMMAND_NAMES) {
    const help = `${await helpOf([name])}\n`.replace(globals, '\n').trimEnd();
    sections.push(`## ${name}\n\n\`\`\`text\n${help}\n\`\`\``);
  }
  return `# The command line

Written by \`npm run docs\` from the program itself. Data is on stdout; progress, questions and hints are on stderr. Where an id is
printed, it is accepted: \`RUN\` (\`screening-7\`), \`RUN/JOB\`, \`RUN/JOB/INDEX\`, or \`RUN/INDEX\` where a run has one job.

\`\`\`text
${await helpOf([])}
\`\`\`

Exit codes are in [errors.md](errors.md), forms of \`-o json\` in [json.md](json.md), the file in [job-file.md](job-file.md).

${sections.join('\n\n')}
`;
}
