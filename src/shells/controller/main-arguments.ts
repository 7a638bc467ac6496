// The arguments of the controller's process, written and read in one place.

import type { ControllerSettings } from './controller-settings.ts';

export type MainArguments = {
  readonly stateDirectory: string;
  readonly settings: Partial<ControllerSettings>;
  /** A file descriptor; null: standard error. */
  readonly reportTo: number | null;
  /** Another release in a test. */
  readonly version: string | null;
};

export const writeArguments = ({ stateDirectory, settings, reportTo, version }: MainArguments): string[] => [
  '--state',
  stateDirectory,
  '--settings',
  JSON.stringify(settings),
  ...(reportTo === null ? [] : ['--report-to', String(reportTo)]),
  ...(version === null ? [] : ['--as-version', version]),
];

export function readArguments(words: readonly string[]): MainArguments {
  const value = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at === -1 ? undefined : words[at + 1];
  };
  const stateDirectory = value('--state');
  if (stateDirectory === undefined) throw new Error('--state DIR is missing');
  const reportTo = value('--report-to');
  return {
    stateDirectory,
    settings: JSON.parse(value('--settings') ?? '{}') as Partial<ControllerSettings>,
    reportTo: reportTo === undefined ? null : Number(reportTo),
    version: value('--as-version') ?? null,
  };
}
