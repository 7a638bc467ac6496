// `completion`: a script that completes commands, options and names of runs in a shell.

import { EXIT } from '../../exit-codes.ts';
import type { CommandModule } from '../command.ts';
import { COMMAND_NAMES } from '../command-names.ts';
import { refuseUse } from '../usage.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const command: CommandModule = {
  define: (command) => void command.argument('<shell>', SHELLS.join(', ')),
  examples: [
    ['source <(distributo completion bash)', 'for this shell; put it into ~/.bashrc to keep it'],
    ['distributo completion fish > ~/.config/fish/completions/distributo.fish', 'for fish'],
  ],
  async execute(context, { args }) {
    const shell = SHELLS.find((one) => one === args[0]);
    if (shell === undefined)
      throw refuseUse(`there is no completion for ${String(args[0])}`, `distributo completion ${SHELLS.join(' | ')}`);
    context.print({ bash, zsh, fish }[shell]());
    return EXIT.ok;
  },
};

const NAMES = COMMAND_NAMES.flatMap((row) => [row.name, ...row.aliases]);
/** Commands whose first word is the name of a run. */
const WITH_RUN = 'status|show|explain|logs|wait|cancel|stop|retry|pause|resume|rm|results|events';

function bash(): string {
  return `_distributo() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${NAMES.join(' ')}" -- "$word"))
    return
  fi
  case $command in
    ${WITH_RUN}) COMPREPLY=($(compgen -W "$(distributo ps -a -q -o name 2>/dev/null)" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "${SHELLS.join(' ')}" -- "$word")) ;;
    controller) COMPREPLY=($(compgen -W "status stop run" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o default -F _distributo distributo`;
}

function zsh(): string {
  const rows = COMMAND_NAMES.map((row) => `    '${row.name}:${row.summary.replaceAll("'", '’')}'`).join('\n');
  return `#compdef distributo
_distributo() {
  local -a commands
  commands=(
${rows}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case $words[2] in
    ${WITH_RUN}) compadd -- \${(f)"$(distributo ps -a -q -o name 2>/dev/null)"} ;;
    completion) compadd ${SHELLS.join(' ')} ;;
    controller) compadd status stop run ;;
    *) _files ;;
  esac
}
compdef _distributo distributo`;
}

function fish(): string {
  const rows = COMMAND_NAMES.map(
    (row) =>
      `complete -c distributo -n __fish_use_subcommand -f -a ${row.name} -d '${row.summary.replaceAll("'", '’')}'`,
  );
  const runs = WITH_RUN.replaceAll('|', ' ');
  return [
    ...rows,
    `complete -c distributo -n '__fish_seen_subcommand_from ${runs}' -f -a '(distributo ps -a -q -o name 2>/dev/null)'`,
    `complete -c distributo -n '__fish_seen_subcommand_from completion' -f -a '${SHELLS.join(' ')}'`,
    `complete -c distributo -n '__fish_seen_subcommand_from controller' -f -a 'status stop run'`,
  ].join('\n');
}
