// Reads the settings: user's file, the nearest project file, DISTRIBUTO_* variables, flags; the later wins. Each value
// remembers where it comes from. Every problem is told at once, with its place and the nearest name.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import { flagOf, SETTING_ROWS, type SettingKey, type Settings, variableOf } from './settings.ts';

export type ConfigurationWorld = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The caller's working directory. */
  readonly directory: string;
  /** By the setting's name in files: `runtime`, `idle_end`. undefined: the flag was not given. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
};

export type SettingOrigin = {
  readonly name: string;
  /** As it was written, or the default. */
  readonly text: string;
  /** `default`, a file with its line, `DISTRIBUTO_RUNTIME`, `--runtime`. */
  readonly origin: string;
  readonly about: string;
};

export type Configuration = {
  readonly settings: Settings;
  readonly origins: readonly SettingOrigin[];
  /** Those that were looked for; `isRead` false: not there. */
  readonly files: readonly { readonly path: string; readonly isRead: boolean }[];
};

export type ConfigurationProblem = {
  readonly place: string;
  readonly field: string;
  readonly message: string;
  readonly nearest: string | null;
};

/** A value as found: its text and place, and the folder that relative paths in it start from. */
type Found = { readonly text: string; readonly origin: string; readonly base: string };

export const PROJECT_FILE = 'distributo.config.yaml';

export async function loadConfiguration(world: ConfigurationWorld): Promise<Configuration> {
  const { env, directory, flags = {} } = world;
  const problems: ConfigurationProblem[] = [];
  const found = new Map<string, Found>();
  const paths = [userFile(env), nearestProjectFile(directory)].filter((path) => path !== undefined);
  const files = [];
  for (const path of new Set(paths)) {
    const isRead = existsSync(path);
    files.push({ path, isRead });
    if (isRead) await readFile(path, found, problems);
  }
  readVariables(env, directory, found, problems);
  for (const [name, text] of Object.entries(flags)) {
    if (text !== undefined) found.set(name, { text, origin: flagOf(name), base: directory });
  }
  const origins: SettingOrigin[] = [];
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const { key, name, defaultText, about, read } of SETTING_ROWS) {
    const home = homeOf(env);
    const fallback = key === 'stateDirectory' ? defaultStateDirectory(env) : defaultText;
    const one = found.get(name) ?? { text: fallback ?? '', origin: 'default', base: directory };
    const text = one.text.startsWith('~/') ? join(home, one.text.slice(2)) : one.text;
    const reading = read(text, one.base);
    if ('value' in reading) values[key] = key === 'stateDirectory' ? resolve(String(reading.value)) : reading.value;
    else problems.push({ place: one.origin, field: name, message: reading.refusal, nearest: null });
    origins.push({
      name,
      text: key === 'stateDirectory' ? String(values[key] ?? text) : text,
      origin: one.origin,
      about,
    });
  }
  if (problems.length > 0) throw configurationInvalid(problems);
  return { settings: values as Settings, origins, files };
}

const homeOf = (env: ConfigurationWorld['env']): string => env.HOME || homedir();

const userFile = (env: ConfigurationWorld['env']): string =>
  join(env.XDG_CONFIG_HOME || join(homeOf(env), '.config'), 'distributo', 'config.yaml');

export const defaultStateDirectory = (env: ConfigurationWorld['env']): string =>
  join(env.XDG_STATE_HOME || join(homeOf(env), '.local', 'state'), 'distributo');

/** The first upwards from the caller's directory. */
function nearestProjectFile(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const path = join(at, PROJECT_FILE);
    if (existsSync(path)) return path;
    if (dirname(at) === at) return undefined;
  }
}

async function readFile(path: string, found: Map<string, Found>, problems: ConfigurationProblem[]): Promise<void> {
  const refuse = (place: string, field: string, message: string, nearest: string | null = null) =>
    problems.push({ place, field, message, nearest });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    refuse(path, '', `cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
    return;
  }
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number | undefined): string =>
    offset === undefined ? path : `${path}:${lines.linePos(offset).line}`;
  for (const error of document.errors) refuse(placeOf(error.pos[0]), '', `is not YAML: ${error.message}`);
  if (document.errors.length > 0 || document.contents === null) return;
  if (!isMap(document.contents)) return void refuse(path, '', 'expected settings, one a line: runtime: docker');
  for (const { key, value } of document.contents.items) {
    const name = String(isScalar(key) ? key.value : key);
    const place = placeOf((isScalar(key) ? key.range?.[0] : undefined) ?? undefined);
    if (name.startsWith('x-')) continue;
    if (!SETTING_ROWS.some((row) => row.name === name)) {
      refuse(place, name, 'unknown setting', nearestName(name, names()) ?? null);
    } else if (!isScalar(value) || value.value === null) {
      refuse(place, name, 'expected one value');
    } else {
      found.set(name, { text: String(value.source ?? value.value), origin: place, base: dirname(path) });
    }
  }
}

/** Variables of ours that are no settings: read elsewhere. */
const OTHER_VARIABLES = new Set(['DISTRIBUTO_DEBUG', 'DISTRIBUTO_SERVER', 'DISTRIBUTO_TOKEN']);

function readVariables(
  env: ConfigurationWorld['env'],
  directory: string,
  found: Map<string, Found>,
  problems: ConfigurationProblem[],
): void {
  const known = new Map(SETTING_ROWS.map(({ name }) => [variableOf(name), name]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('DISTRIBUTO_') || text === undefined || text === '') continue;
    const name = known.get(variable);
    if (name !== undefined) {
      found.set(name, { text, origin: variable, base: directory });
    } else if (!OTHER_VARIABLES.has(variable) && !isOfTask(variable)) {
      const nearest = nearestName(variable, known.keys()) ?? null;
      // Only a slip is refused: other programs may keep their own DISTRIBUTO_ variables.
      if (nearest !== null)
        problems.push({ place: 'environment', field: variable, message: 'unknown variable', nearest });
    }
  }
}

/** What tasks get; a command that is called inside a task sees them too. */
const isOfTask = (variable: string): boolean => /^DISTRIBUTO_(RUN|JOB|TASK|INDEX|ATTEMPT)(_\w+)?$/.test(variable);

const names = (): string[] => SETTING_ROWS.map(({ name }) => name);

function configurationInvalid(problems: readonly ConfigurationProblem[]): DistributoError {
  const told = problems.map(describeProblem);
  return new DistributoError(
    'CONFIG_INVALID',
    told.length === 1 ? (told[0] as string) : `the configuration has ${told.length} problems`,
    {
      hint: 'distributo config prints each setting with its origin',
      details: { problems, ...(told.length === 1 ? {} : { facts: told }) },
    },
  );
}

/** A flag and a variable name their setting already. */
function describeProblem({ place, field, message, nearest }: ConfigurationProblem): string {
  const isNamed = field === '' || place === flagOf(field) || place === variableOf(field);
  return `${place}${isNamed ? '' : ` ${field}`}: ${message}${nearest === null ? '' : `; nearest: ${nearest}`}`;
}
