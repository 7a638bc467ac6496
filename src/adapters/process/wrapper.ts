// The small shell program that starts an executor and outlives the controller. It writes two records into the attempt's run
// folder: the claim (its own line of /proc/PID/stat and the boot id) before the command, and the exit code after it.
//
// Why an executor is never started twice, and no exit code is lost, whenever the controller is killed:
// - The claim is made with O_EXCL (`set -C`), so of all wrappers ever spawned for an executor one runs the command and the
//   others end. A controller that finds no claim may therefore spawn again: had an earlier one just spawned, either wrapper
//   wins and the other does nothing. A controller that wants the executor never to run takes the claim itself.
// - Each record is one write(2) of one line and counts only with its line end. A line is written whole or, where the wrapper
//   is killed between open and write, not at all; a rename would protect no more and cost a process for each record.
//   An empty claim means: the command has not begun, and its wrapper is alive and about to write, or dead.
// - The command runs as the wrapper's child, and the wrapper catches (not ignores: that would be inherited) the signals of a
//   stop, so it is there to record the code. On a full disk it tries again each second. Only SIGKILL on the wrapper itself or
//   the end of the machine leaves a claim without an exit: the boot id tells which.
// - Output goes to files opened for appending, never to a pipe into the controller, and the wrapper leads a session of its own.
//
// POSIX sh only; tried with dash and busybox ash. No process is forked but the command. The command comes as an absolute path:
// a bare word could be a builtin of the shell (`exit`, `exec`).

import { join } from 'node:path';

/** As $0 it begins the shell's own complaints: see `startComplaint`. */
export const WRAPPER_NAME = 'distributo-start';

/** $1 claim, $2 exit record, $3 and $4 files to be emptied, the rest the command. Names that no environment has. */
export const WRAPPER = `
set -C
read -r distributo_stat_ < "/proc/$$/stat" && read -r distributo_boot_ < /proc/sys/kernel/random/boot_id || exit 120
printf '%s\\n' "$distributo_boot_ $distributo_stat_" > "$1" || exit 121
set +C
trap : HUP INT QUIT TERM USR1 USR2
umask 022
distributo_exit_=$2
case $3 in ?*) : > "$3";; esac
case $4 in ?*) : > "$4";; esac
shift 4
"$@"
distributo_code_=$?
until printf '%s\\n' "$distributo_code_" > "$distributo_exit_"; do sleep 1; done 2> /dev/null
`;

export const claimPath = (runDirectory: string, executor: number): string => join(runDirectory, `claim.${executor}`);
export const exitPath = (runDirectory: string, executor: number): string => join(runDirectory, `exit.${executor}`);

/** What the shell says where it could not start the command at all (POSIX: 126 or 127); undefined where the code is the command's. */
export function startComplaint(exitCode: number, lastError: string | undefined): string | undefined {
  if ((exitCode !== 126 && exitCode !== 127) || !lastError?.startsWith(`${WRAPPER_NAME}: `)) return undefined;
  return lastError.replace(/^[^:]*: (line )?\d+: /, '');
}
