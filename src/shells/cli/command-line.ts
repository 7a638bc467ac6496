// Reads a command line and runs the one command it names. Only that command's file is loaded; `--help` loads none.

import { Command, CommanderError, type Help, Option } from 'commander';
import type { DistributoError } from '../../domain/errors.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import { readVersion } from '../api/version.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { createStyle, wantsAscii, wantsColour } from '../terminal/style.ts';
import type { Call, CommandModule } from './command.ts';
import { COMMAND_TABLE, type CommandRow, findCommand } from './command-table.ts';
import { type GlobalOptions, type Host, OUTPUT_FORMS, type OutputForm } from './context.ts';
import { createContext } from './create-context.ts';
import { describeError, errorView, renderError } from './report-error.ts';
import { refuseUse } from './usage.ts';

/** Runs one command line to its exit code; everything that is thrown is told. */
export async function runCommandLine(words: readonly string[], host: Host): Promise<ExitCode> {
  try {
    const outcome: { exitCode: ExitCode } = { exitCode: EXIT.ok };
    const program = await buildProgram(words, host, outcome);
    try {
      await program.parseAsync([...words], { from: 'user' });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode !== 0) throw translateUse(error, program, words);
    }
    return outcome.exitCode;
  } catch (error) {
    return tellError(error, words, host);
  }
}

/** The program with the named command in full and the others by name only. */
export async function buildProgram(
  words: readonly string[],
  host: Host,
  outcome: { exitCode: ExitCode },
): Promise<Command> {
  const program = new Command('distributo')
    .usage('[options] COMMAND')
    .description(
      'Runs a pile of containers or commands on this machine: packed, repeated where they fail, alive after a crash.',
    )
    .helpCommand('help [COMMAND]', 'what a command does, its options and examples')
    .addHelpText(
      'after',
      '\nA first run:  distributo init   then  distributo run job.yaml\nOne command:  distributo help run',
    )
    .action(() => {
      if (program.opts().version === true) host.stdout.write(`${readVersion()}\n`);
      else program.outputHelp();
    });
  addGlobalOptions(program);
  configure(program, host);
  const named = namedCommand(words);
  for (const row of COMMAND_TABLE) {
    const command = program.command(row.name).helpGroup(row.group).description(row.summary).aliases(row.aliases);
    if (row === named) defineCommand(command, row, await row.load(), host, outcome);
  }
  return program;
}

function defineCommand(
  command: Command,
  row: CommandRow,
  module: CommandModule,
  host: Host,
  outcome: { exitCode: ExitCode },
): void {
  const description = `${(row.summary[0] as string).toUpperCase()}${row.summary.slice(1)}.`;
  command.description(row.aliases.length === 0 ? description : `${description} Also called ${row.aliases.join(', ')}.`);
  module.define(command);
  const widest = Math.max(...module.examples.map(([line]) => line.length));
  const examples = module.examples.map(([line, purpose]) => `  ${line.padEnd(widest)}  ${purpose}`);
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  command.action(async () => {
    const context = createContext(host, readGlobalOptions(command, host));
    const call: Call = { args: command.processedArgs, options: command.opts() };
    try {
      outcome.exitCode = await module.execute(context, call);
    } finally {
      context.close();
    }
  });
}

function addGlobalOptions(program: Command): void {
  program
    .addOption(new Option('-o, --output <form>', 'form of what is printed').choices(OUTPUT_FORMS).default('table'))
    .option('--state <directory>', 'state directory (else DISTRIBUTO_STATE, XDG_STATE_HOME, ~/.local/state)')
    .option('--no-color', 'no colours; NO_COLOR does the same')
    .option('--local-time', 'times in the zone of this computer instead of UTC')
    .option('-q, --quiet', 'print no hints and no progress')
    .option('--debug', 'with every error where in the code it came from')
    .option('-V, --version', 'the version alone');
}

/** The command that the words name, if any: the first word that is neither an option nor the value of a global one. */
function namedCommand(words: readonly string[]): CommandRow | undefined {
  const withValue = new Set(['-o', '--output', '--state']);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (withValue.has(word)) at++;
    else if (word === 'help') continue;
    else if (!word.startsWith('-')) return findCommand(word);
  }
  return undefined;
}

function configure(program: Command, host: Host): void {
  const style = createStyle({
    hasColour: wantsColour(host.env, host.stdout.isTTY === true, process.argv.includes('--no-color')),
    isAscii: wantsAscii(host.env),
  });
  program.exitOverride();
  program.configureOutput({
    writeOut: (text) => host.stdout.write(text),
    // Told by us, in our form.
    writeErr: () => undefined,
    getOutHasColors: () => style.hasColour,
    getOutHelpWidth: () => Math.max(60, Math.min(100, host.stdout.columns || 100)),
  });
  program.configureHelp({
    showGlobalOptions: true,
    sortOptions: false,
    styleTitle: (title: string) => style.bold(title),
    styleCommandText: (text: string) => style.cyan(text),
    subcommandTerm: (command: Command) => subcommandTerm(command),
  } as Partial<Help>);
  program.showSuggestionAfterError(false);
}

const subcommandTerm = (command: Command): string =>
  command.aliases().length === 0 ? command.name() : `${command.name()}, ${command.aliases().join(', ')}`;

function readGlobalOptions(command: Command, host: Host): GlobalOptions {
  const options = command.optsWithGlobals<Record<string, unknown>>();
  return {
    output: options.output as OutputForm,
    state: options.state as string | undefined,
    hasColour: options.color !== false && host.env.TERM !== 'dumb',
    isDebug: options.debug === true,
    isQuiet: options.quiet === true,
    isLocalTime: options.localTime === true,
  };
}

/** commander's refusals in our form, with the nearest name. */
function translateUse(error: CommanderError, program: Command, words: readonly string[]): DistributoError {
  const row = namedCommand(words);
  const command = row === undefined ? program : (program.commands.find((one) => one.name() === row.name) as Command);
  const help = row === undefined ? 'distributo --help' : `distributo ${row.name} --help`;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const near = (name: string, candidates: readonly string[]): string => {
    const nearest = nearestName(name, candidates);
    return nearest === undefined ? '' : `; nearest: ${nearest}`;
  };
  switch (error.code) {
    case 'commander.unknownCommand':
    case 'commander.help': {
      const name = quoted || (words.find((word) => !word.startsWith('-') && word !== 'help') ?? '');
      const names = COMMAND_TABLE.flatMap((one) => [one.name, ...one.aliases]);
      return refuseUse(`there is no command ${name}${near(name, names)}`, help);
    }
    case 'commander.unknownOption': {
      const flags = [...command.options, ...program.options].flatMap((option) => [option.long, option.short]);
      const names = flags.filter((flag) => flag !== undefined && flag !== null);
      return refuseUse(`${row?.name ?? 'distributo'} has no option ${quoted}${near(quoted, names)}`, help);
    }
    case 'commander.missingArgument':
      return refuseUse(`${row?.name} wants ${quoted.toUpperCase()}`, exampleOf(command, help));
    case 'commander.optionMissingArgument':
      return refuseUse(`the option ${quoted} wants a value`, help);
    case 'commander.invalidArgument': {
      // Of a choice: commander names the option with its form, what was given, and the choices.
      const [, flag = '', form = '', given = ''] =
        /option '(.*?) ?<(.*)>' argument '(.*)' is invalid/.exec(error.message) ?? [];
      const [, choices = ''] = /choices are (.*)\.$/.exec(error.message) ?? [];
      const name = flag.split(', ').at(-1) ?? '';
      if (choices === '') return refuseUse(`${name} wants a ${form}, got "${given}"`, help);
      return refuseUse(`${name} wants ${choices}; got "${given}"${near(given, choices.split(', '))}`, help);
    }
    case 'commander.excessArguments':
      return row === undefined
        ? refuseUse(
            `there is no command ${command.args[0]}${near(
              command.args[0] ?? '',
              COMMAND_TABLE.map((one) => one.name),
            )}`,
            help,
          )
        : refuseUse(`${row.name} takes no "${command.args.at(-1)}" there`, help);
    default:
      return refuseUse(error.message.replace(/^error: /, '').replaceAll("'", '"'), help);
  }
}

/** `distributo status RUN`, and where the rest is told. */
const exampleOf = (command: Command, help: string): string => {
  const wanted = command.registeredArguments.filter((one) => one.required).map((one) => one.name().toUpperCase());
  return `distributo ${[command.name(), ...wanted].join(' ')}\n${help}    tells more`;
};

function tellError(error: unknown, words: readonly string[], host: Host): ExitCode {
  const report = describeError(error);
  const wants = (...flags: readonly string[]): boolean => flags.some((flag) => words.includes(flag));
  const style = createStyle({
    hasColour: wantsColour(host.env, host.stderr.isTTY === true, wants('--no-color')),
    isAscii: wantsAscii(host.env),
  });
  if (asksForJson(words)) host.stdout.write(`${JSON.stringify(errorView(report))}\n`);
  host.stderr.write(`${renderError(report, style, wants('--debug')).join('\n')}\n`);
  return report.exitCode;
}

/** Read from the words themselves: the command line may be what is wrong. */
function asksForJson(words: readonly string[]): boolean {
  return words.some((word, at) => {
    const before = words[at - 1];
    if (before === '-o' || before === '--output') return word === 'json' || word === 'ndjson';
    return /^(-o|--output=)(nd)?json$/.test(word);
  });
}
