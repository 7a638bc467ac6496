// The login to a registry as Docker's own configuration has it: a credential helper, a credential store, or a plain entry.
// Read again at each pull, since helpers give short-lived tokens. Values go into one header and nowhere else.

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DistributoError } from '../../domain/errors.ts';

const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';
const HELPER_TIMEOUT_MS = 30_000;
const TOKEN_USER = '<token>';

type Entry = {
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly username?: string;
  readonly password?: string;
};
type DockerConfig = {
  readonly auths?: Readonly<Record<string, Entry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
};

type Login = { readonly username?: string; readonly password?: string; readonly identitytoken?: string };

/** The value of `X-Registry-Auth`; undefined where there is no login. */
export async function registryAuth(
  registry: string,
  configDirectory: string | undefined,
  path: string | undefined,
): Promise<string | undefined> {
  if (configDirectory === undefined) return undefined;
  const config = await readConfig(join(configDirectory, 'config.json'));
  const login = await findLogin(config, registry, path);
  if (!login) return undefined;
  const serveraddress = registry === 'docker.io' ? DOCKER_HUB_KEY : registry;
  return Buffer.from(JSON.stringify({ ...login, serveraddress })).toString('base64url');
}

async function readConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch (error) {
    throw new DistributoError('IMAGE_UNAVAILABLE', `registry logins cannot be read: ${path} is not JSON`, {
      hint: 'mend or remove that file, then: docker login',
      cause: error,
    });
  }
}

async function findLogin(config: DockerConfig, registry: string, path: string | undefined): Promise<Login | undefined> {
  const keys = registry === 'docker.io' ? [DOCKER_HUB_KEY, 'index.docker.io', 'docker.io'] : [registry];
  for (const key of keys) {
    const helper = config.credHelpers?.[key] ?? config.credsStore;
    if (helper) {
      const login = await askHelper(helper, key, path);
      if (login) return login;
    }
    const entry = Object.entries(config.auths ?? {}).find(([name]) => name === key || hostOf(name) === key)?.[1];
    const login = entry && readEntry(entry);
    if (login) return login;
  }
  return undefined;
}

const hostOf = (name: string): string => name.replace(/^https?:\/\//, '').split('/')[0] ?? name;

function readEntry(entry: Entry): Login | undefined {
  if (entry.identitytoken) return { identitytoken: entry.identitytoken };
  if (entry.username && entry.password) return { username: entry.username, password: entry.password };
  if (!entry.auth) return undefined;
  const text = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `docker-credential-<name> get`, the registry on its standard input. Exit 1 with "not found" is an answer: no login. */
async function askHelper(name: string, registry: string, path: string | undefined): Promise<Login | undefined> {
  if (!/^[\w.-]+$/.test(name))
    throw helperFailed(name, registry, 'its name holds other characters than letters and digits');
  const env = { ...process.env, ...(path === undefined ? {} : { PATH: path }) };
  const { code, output } = await new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, ['get'], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    // spawn's own time limit stays armed where there is no such program.
    const timer = setTimeout(() => child.kill(), HELPER_TIMEOUT_MS);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(helperFailed(name, registry, error.message));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(registry);
  });
  if (code !== 0) {
    if (/not found/i.test(output)) return undefined;
    throw helperFailed(name, registry, code === null ? 'it did not answer in time' : `it ended with code ${code}`);
  }
  try {
    const { Username, Secret } = JSON.parse(output) as { Username?: string; Secret?: string };
    if (!Secret) return undefined;
    return Username === TOKEN_USER ? { identitytoken: Secret } : { username: Username ?? '', password: Secret };
  } catch {
    throw helperFailed(name, registry, 'its answer is not JSON');
  }
}

function helperFailed(name: string, registry: string, why: string): DistributoError {
  return new DistributoError(
    'IMAGE_UNAVAILABLE',
    `the login to ${registry} could not be read from docker-credential-${name}: ${why}`,
    { hint: `try: echo ${registry} | docker-credential-${name} get; then docker login ${registry}` },
  );
}
