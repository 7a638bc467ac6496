// `completion`: a script that completes commands, their options and names of runs in a shell. Options are written into the
// script, so that only names of runs need the program.

import { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import type { CommandName } from '../command-names.ts';
import { refuseUse } from '../usage.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

type LoadableCommand = CommandName & { readonly load: () => Promise<CommandModule> };

/** @param all every command, this one too: the table hands itself over, so that no file leads back to it */
export const createCompletion = (all: () => readonly LoadableCommand[]): CommandModule => ({
  define: (command) => void command.argument('<shell>', SHELLS.join(', ')),
  examples: [
    ['source <(distributo completion bash)', 'for this shell; put it into ~/.bashrc to keep it'],
    ['distributo completion fish > ~/.config/fish/completions/distributo.fish', 'for fish'],
  ],
  async execute(context, { args }) {
    const shell = SHELLS.find((one) => one === args[0]);
    if (shell === undefined)
      throw refuseUse(`there is no completion for ${String(args[0])}`, `distributo completion ${SHELLS.join(' | ')}`);
    context.print({ bash, zsh, fish }[shell](await describeCommands(all())));
    return EXIT.ok;
  },
});

type Flag = { readonly flag: string; readonly short: string | undefined; readonly about: string };
type Described = {
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: readonly Flag[];
};

const GLOBAL_FLAGS: readonly Flag[] = [
  { flag: '--output', short: '-o', about: 'form of what is printed' },
  { flag: '--state', short: undefined, about: 'state directory' },
  { flag: '--no-color', short: undefined, about: 'no colours' },
  { flag: '--local-time', short: undefined, about: 'times in the zone of this computer' },
  { flag: '--quiet', short: '-q', about: 'print no hints and no progress' },
  { flag: '--debug', short: undefined, about: 'where in the code an error came from' },
  { flag: '--help', short: '-h', about: 'how it is called' },
];

const describeCommands = (all: readonly LoadableCommand[]): Promise<Described[]> =>
  Promise.all(
    all.map(async (row) => {
      const built = new Command(row.name);
      (await row.load()).define(built);
      const flags = built.options.map((option) => ({
        flag: option.long ?? option.flags,
        short: option.short,
        about: option.description,
      }));
      return { names: [row.name, ...row.aliases], summary: row.summary, flags: [...flags, ...GLOBAL_FLAGS] };
    }),
  );

/** Commands whose words are names of runs. */
const WITH_RUN = 'status|show|explain|logs|wait|cancel|stop|retry|pause|resume|rm|results|events';
const FORMS = 'table wide json ndjson name';
const RUNS = 'distributo ps -a -q -o name 2>/dev/null';

function bash(commands: readonly Described[]): string {
  const flags = commands.map(
    (one) => `    ${one.names.join('|')}) flags="${one.flags.map((flag) => flag.flag).join(' ')}" ;;`,
  );
  return `_distributo() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.flatMap((one) => one.names).join(' ')} help" -- "$word"))
    return
  fi
  case $before in
    -o|--output) COMPREPLY=($(compgen -W "${FORMS}" -- "$word")); return ;;
    --runtime) COMPREPLY=($(compgen -W "auto docker process" -- "$word")); return ;;
    --attach) COMPREPLY=($(compgen -W "$(${RUNS})" -- "$word")); return ;;
  esac
  case $command in
${flags.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")); return ;;
  esac
  case $command in
    ${WITH_RUN}) COMPREPLY=($(compgen -W "$(${RUNS})" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "${SHELLS.join(' ')}" -- "$word")) ;;
    controller) COMPREPLY=($(compgen -W "status stop run" -- "$word")) ;;
    help) COMPREPLY=($(compgen -W "${commands.map((one) => one.names[0]).join(' ')}" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o default -F _distributo distributo`;
}

/** Between single quotes, and without what _describe would take for its own sign. */
const quoted = (text: string): string => text.replaceAll("'", '’').replaceAll(':', ' -');

function zsh(commands: readonly Described[]): string {
  const rows = commands.map((one) => `    '${one.names[0]}:${quoted(one.summary)}'`).join('\n');
  const flags = commands.map(
    (one) =>
      `    ${one.names.join('|')}) flags=(${one.flags.map(({ flag, about }) => `'${flag}:${quoted(about)}'`).join(' ')}) ;;`,
  );
  return `#compdef distributo
_distributo() {
  local -a commands flags
  commands=(
${rows}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case $words[CURRENT-1] in
    -o|--output) compadd ${FORMS}; return ;;
    --runtime) compadd auto docker process; return ;;
  esac
  case $words[2] in
${flags.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then _describe option flags; return; fi
  case $words[2] in
    ${WITH_RUN}) compadd -- \${(f)"$(${RUNS})"} ;;
    completion) compadd ${SHELLS.join(' ')} ;;
    controller) compadd status stop run ;;
    *) _files ;;
  esac
}
compdef _distributo distributo`;
}

function fish(commands: readonly Described[]): string {
  const rows = commands.flatMap((one) => [
    `complete -c distributo -n __fish_use_subcommand -f -a ${one.names[0]} -d '${quoted(one.summary)}'`,
    ...one.flags.map(
      ({ flag, short, about }) =>
        `complete -c distributo -n '__fish_seen_subcommand_from ${one.names.join(' ')}' -l ${flag.replace(/^--/, '')}${
          short === undefined ? '' : ` -s ${short.slice(1)}`
        } -d '${quoted(about)}'`,
    ),
  ]);
  return [
    ...rows,
    `complete -c distributo -n '__fish_seen_subcommand_from ${WITH_RUN.replaceAll('|', ' ')}' -f -a '(${RUNS})'`,
    `complete -c distributo -n '__fish_seen_subcommand_from completion' -f -a '${SHELLS.join(' ')}'`,
    `complete -c distributo -n '__fish_seen_subcommand_from controller' -f -a 'status stop run'`,
  ].join('\n');
}
