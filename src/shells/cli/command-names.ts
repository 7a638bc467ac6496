// The names of all commands, with what each is for. Plain data: `--help`, suggestions and completion need no more.

export type CommandName = {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly group: string;
};

const row = (group: string, name: string, summary: string, aliases: readonly string[] = []): CommandName => ({
  group,
  name,
  summary,
  aliases,
});

const START = 'Start:';
const LOOK = 'Look:';
const STEER = 'Steer:';
const KEEP = 'Keep house:';

export const COMMAND_NAMES = [
  row(START, 'init', 'write a commented job file'),
  row(START, 'check', 'look for what would stop a run, each finding with its fix', ['doctor']),
  row(START, 'run', 'run a job file and watch it; ctrl-c only stops watching', ['up']),
  row(LOOK, 'ps', 'list runs'),
  row(LOOK, 'status', 'one run: its jobs, what waits for what, the machine', ['show']),
  row(LOOK, 'explain', 'why a run or task waits, failed or was repeated, and what would help'),
  row(LOOK, 'logs', 'what tasks printed; -f follows'),
  row(LOOK, 'events', 'what happened, when and why; -f follows'),
  row(LOOK, 'results', 'list the outputs of a run, or copy them into a folder'),
  row(STEER, 'wait', 'wait for runs to end; the exit code tells how they did'),
  row(STEER, 'cancel', 'stop a run or one task; records are kept', ['stop']),
  row(STEER, 'retry', 'run failed and cancelled tasks again'),
  row(STEER, 'pause', 'start nothing new of a run'),
  row(STEER, 'resume', 'go on with a paused run or after a trial'),
  row(KEEP, 'rm', 'remove ended runs with their history and logs'),
  row(KEEP, 'du', 'show the disk space in use'),
  row(KEEP, 'prune', 'free the disk space of old logs and workspaces'),
  row(KEEP, 'config', 'show the settings, each with its origin'),
  row(KEEP, 'controller', 'the background process: status, stop, run'),
  row(KEEP, 'completion', 'print the completion script of a shell'),
  row(KEEP, 'version', 'print versions'),
] as const;
