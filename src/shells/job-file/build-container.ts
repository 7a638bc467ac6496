// Reads what a task's container needs beyond its program: resources, mounts, limits, network, secrets.

import { fillTemplate, printTemplate, type Template } from '../../domain/interpolate.ts';
import type { ContainerOptions, Mount, SecretReference } from '../../domain/job.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import type { Resources } from '../../domain/resources.ts';
import { DEFAULTS } from './defaults.ts';
import type { JobScope } from './job-scope.ts';
import { localizeConstant, localizePath } from './local-url.ts';
import type { FieldPath } from './problem.ts';
import type { JobFields } from './schema.ts';

export function buildResources(fields: JobFields): Resources {
  const asked = fields.resources;
  return {
    cpuUnits: asked?.cpu ?? DEFAULTS.cpuUnits,
    memoryMib: asked?.memory ?? DEFAULTS.memoryMib,
    diskMib: asked?.disk ?? DEFAULTS.diskMib,
    gpus: asked?.gpu ?? DEFAULTS.gpus,
  };
}

export function buildContainer(fields: JobFields, scope: JobScope): ContainerOptions {
  const limits = Object.entries(fields.container?.ulimits ?? {});
  return {
    user: fields.user ?? null,
    shmSizeMib: fields.resources?.shm_size ?? null,
    pidsLimit: fields.container?.pids_limit ?? null,
    ulimits: limits.map(([name, limit]) =>
      typeof limit === 'number' ? { name, soft: limit, hard: limit } : { name, soft: limit.soft, hard: limit.hard },
    ),
    platform: fields.platform ?? null,
    pull: fields.pull ?? DEFAULTS.pull,
    network: fields.network ?? DEFAULTS.network,
    extraHosts: fields.container?.extra_hosts ?? [],
    init: fields.init ?? DEFAULTS.init,
    mounts: (fields.mounts ?? []).map((mount, position) => buildMount(mount, ['mounts', position], scope)),
    ports: fields.resources?.ports ?? [],
  };
}

const NO_MOUNT: Mount = { type: 'tmpfs', source: '', target: '', readOnly: false };
const VOLUME_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

function buildMount(mount: NonNullable<JobFields['mounts']>[number], path: FieldPath, scope: JobScope): Mount {
  if (typeof mount === 'string') return buildShortMount(mount, path, scope);
  const source = mount.source === undefined ? [] : scope.fillParameters(mount.source, [...path, 'source']);
  const type = mount.type ?? (mount.source === undefined ? 'tmpfs' : typeOf(source));
  const target = scope.template(mount.target, [...path, 'target']);
  return finishMount(type, source, target, mount.read_only ?? false, path, true, scope);
}

/** `source:target`, `source:target:ro`; parameters are filled in first, since they may hold the colon. */
function buildShortMount(text: string, path: FieldPath, scope: JobScope): Mount {
  const parts: (string | { readonly name: string })[][] = [[]];
  for (const part of scope.fillParameters(text, path)) {
    const [head, ...rest] = typeof part === 'string' ? part.split(':') : [part];
    if (head !== undefined && head !== '') parts.at(-1)?.push(head);
    for (const one of rest) parts.push(one === '' ? [] : [one]);
  }
  const [source = [], target = [], mode, extra] = parts;
  const modeText = mode === undefined ? 'rw' : printTemplate(mode);
  if (source.length === 0 || target.length === 0 || extra !== undefined || !['ro', 'rw'].includes(modeText)) {
    scope.refuse(path, `expected source:target or source:target:ro, got ${JSON.stringify(text)}`);
    return NO_MOUNT;
  }
  return finishMount(typeOf(source), source, printTemplate(target), modeText === 'ro', path, false, scope);
}

const typeOf = (source: Template): 'bind' | 'volume' => {
  const [first] = source;
  return typeof first === 'string' && /^[./~]/.test(first) ? 'bind' : 'volume';
};

function finishMount(
  type: Mount['type'],
  source: Template,
  target: string,
  readOnly: boolean,
  path: FieldPath,
  isLong: boolean,
  scope: JobScope,
): Mount {
  if (!target.startsWith('/') && !target.startsWith('${')) {
    scope.refuse(
      isLong ? [...path, 'target'] : path,
      `expected an absolute path in the container as target, got ${JSON.stringify(target)}`,
    );
  }
  if (type === 'tmpfs') {
    if (source.length > 0) scope.refuse(path, 'expected no source: a tmpfs begins empty');
    return { type, source: '', target, readOnly };
  }
  if (source.length === 0) {
    scope.refuse(path, `expected a source: ${type === 'bind' ? 'a path on this machine' : 'the name of a volume'}`);
    return NO_MOUNT;
  }
  if (type === 'bind') return { type, source: localizePath(scope, source), target, readOnly };
  const [only] = source;
  if (source.length === 1 && typeof only === 'string' && !VOLUME_NAME.test(only)) {
    const hint = only.includes('/') ? `; for a folder write ./${only}` : '';
    scope.refuse(
      isLong ? [...path, 'source'] : path,
      `expected the name of a volume, got ${JSON.stringify(only)}${hint}`,
    );
  }
  return { type, source: printTemplate(source), target, readOnly };
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** References alone; the variables that must come with the submission are those with source `env`. */
export function buildSecrets(
  fields: JobFields,
  env: Readonly<Record<string, string>>,
  scope: JobScope,
): Readonly<Record<string, SecretReference>> {
  const secrets = Object.entries(fields.secrets ?? {}).map(([target, text]): [string, SecretReference] => {
    const path = ['secrets', target];
    if (!VARIABLE.test(target) && !/^\/[^\0]*[^/\0]$/.test(target)) {
      scope.refuse(path, 'expected the name of a variable or an absolute path in the container', { key: true });
    }
    if (Object.hasOwn(env, target)) scope.refuse(path, `${target} stands in env too`, { key: true });
    const source = text.slice(0, text.indexOf(':'));
    const name = fillTemplate([text.slice(source.length + 1)], new Map());
    if (source === 'file') return [target, { source, name: localizeConstant(scope, name) }];
    if (source !== 'env')
      scope.refuse(path, `${source}: is not supported yet by backend local; use env:NAME or file:PATH`);
    else if (scope.context.env[name] === undefined) {
      // A slip is a fault of the file; what is only not set yet is told when the run is submitted.
      const nearest = nearestName(name, Object.keys(scope.context.env));
      if (nearest !== undefined)
        scope.refuse(path, `${name} is not set in your environment; nearest: ${nearest}`, { nearest });
    }
    return [target, { source: 'env', name }];
  });
  return Object.fromEntries(secrets);
}
