// Every setting: its name in files, variable and flag, its default, how it is read and shown. The one table of them.

import { parseDurationMs, parseMoneyMicros, parseSizeMib, type Reading } from '../../domain/units.ts';

export const RUNTIME_CHOICES = ['auto', 'docker', 'process'] as const;
export type RuntimeChoice = (typeof RUNTIME_CHOICES)[number];

export type Settings = {
  /** The state directory, absolute. */
  readonly stateDirectory: string;
  readonly backend: 'local';
  readonly runtime: RuntimeChoice;
  readonly confirmAboveMicros: number;
  readonly keepWorkspacesMs: number;
  readonly keepLogsMs: number;
  readonly idleEndMs: number;
  readonly logLimitMib: number;
  readonly freeDiskMinMib: number;
  /** An S3-compatible endpoint; null: Amazon's, or that of AWS_ENDPOINT_URL. */
  readonly s3Endpoint: string | null;
};

export type SettingKey = keyof Settings;

export type SettingRow<Key extends SettingKey = SettingKey> = {
  /** In files `keep_logs`, as a variable DISTRIBUTO_KEEP_LOGS, as a flag --keep-logs (where a command has it). */
  readonly name: string;
  readonly about: string;
  readonly key: Key;
  /** As it would be written; null: found by `find-state-directory.ts`, or none. */
  readonly defaultText: string | null;
  readonly read: (text: string, base: string) => Reading<Settings[Key]>;
};

const oneOf =
  <Word extends string>(words: readonly Word[]) =>
  (text: string): Reading<Word> =>
    (words as readonly string[]).includes(text)
      ? { value: text as Word }
      : {
          refusal: `expected ${words.slice(0, -1).join(', ')}${words.length > 1 ? ' or ' : ''}${words.at(-1)}, got "${text}"`,
        };

const row = <Key extends SettingKey>(
  key: Key,
  name: string,
  defaultText: string | null,
  about: string,
  read: SettingRow<Key>['read'],
): SettingRow<Key> => ({ key, name, defaultText, about, read });

export const SETTING_ROWS = [
  row('stateDirectory', 'state', null, 'where everything is kept; one controller a directory', (text, base) =>
    text === '' ? { refusal: 'expected a folder, got nothing' } : { value: absolute(text, base) },
  ),
  row('backend', 'on', 'local', 'where tasks run', oneOf(['local'])),
  row('runtime', 'runtime', 'auto', 'containers, plain processes, or what is there', oneOf(RUNTIME_CHOICES)),
  row(
    'confirmAboveMicros',
    'confirm_above',
    '10 USD',
    'from this total on the answer to a question is no',
    parseMoneyMicros,
  ),
  row('keepWorkspacesMs', 'keep_workspaces', '24h', 'how long the files of failed attempts stay', parseDurationMs),
  row('keepLogsMs', 'keep_logs', '30d', 'how long logs stay', parseDurationMs),
  row('idleEndMs', 'idle_end', '60s', 'the controller ends after this long with nothing to do', parseDurationMs),
  row('logLimitMib', 'log_limit', '64MiB', 'of one attempt: head and tail are kept', parseSizeMib),
  row('freeDiskMinMib', 'free_disk', '1GiB', 'below this nothing new starts', parseSizeMib),
  row('s3Endpoint', 's3_endpoint', null, 'an S3-compatible server for s3:// addresses', readUrl),
] as const;

export const variableOf = (name: string): string => `DISTRIBUTO_${name.toUpperCase()}`;
export const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}`;

function readUrl(text: string): Reading<string | null> {
  if (text === '') return { value: null };
  try {
    const url = new URL(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not http');
    // A password in it would be shown by `distributo config`.
    if (url.username !== '' || url.password !== '') return { refusal: 'expected an address without user and password' };
    return { value: text };
  } catch {
    return { refusal: 'expected an address such as http://localhost:9000' };
  }
}

/** Joins without node:path, so that this table stays plain data: `~/x` is below home, which the base says. */
function absolute(text: string, base: string): string {
  return text.startsWith('/') ? text : `${base.replace(/\/+$/, '')}/${text}`;
}
