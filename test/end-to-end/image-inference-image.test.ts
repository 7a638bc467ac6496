// The main job's image, made by `docker import` from this machine's files: the worker gives the same lines in it as outside,
// within the cpu and memory that job.yaml asks for and with no network.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import {
  exampleDir,
  fillWorkspace,
  prepareExample,
  runCommand,
  runWorker,
  skipOrThrow,
} from '../support/image-inference.ts';

const image = 'distributo-test/image-inference';

function whyNot(): string | undefined {
  const engine = runCommand('docker', ['version', '--format', '{{.Server.Version}}']);
  return engine.code === 0 ? prepareExample() : skipOrThrow(`no Docker engine answers: ${engine.err}`);
}

const skip = whyNot() ?? false;

describe('the image of the image inference example', () => {
  test('is made from local files, and again only when one of them changed', { skip }, () => {
    const first = runCommand('python3', ['make-image.py', '--name', image]);
    assert.equal(first.code, 0, first.err);
    const second = runCommand('python3', ['make-image.py', '--name', image]);
    assert.equal(second.err, `image-inference: image ${image} is up to date\n`);
  });

  test('runs a batch with the resources of job.yaml and gives the lines that the process runtime gives', {
    skip,
  }, () => {
    const workspace = fillWorkspace();
    const { resources, env } = parse(readFileSync(join(exampleDir, 'job.yaml'), 'utf8'));
    const memory = String(resources.memory).replace('MiB', 'm');
    const limits = ['--cpus', String(resources.cpu), '--memory', memory, '--memory-swap', memory, '--network', 'none'];
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const created = runCommand('docker', ['create', ...limits, ...variables, image, '0:100', 'inferred-0-100.txt']);
    assert.equal(created.code, 0, created.err);
    const container = created.out.trim();
    try {
      assert.equal(runCommand('docker', ['cp', `${workspace}/.`, `${container}:/workspace`]).code, 0);
      const ran = runCommand('docker', ['start', '--attach', container]);
      assert.equal(ran.code, 0, ran.err);
      assert.match(ran.out, /^99 of 100 pictures classified, 1 skipped/);
      assert.equal(ran.err, 'skipped picture-0073 (lost.png): no such file\n');
      const inside = join(workspace, 'inside.txt');
      assert.equal(runCommand('docker', ['cp', `${container}:/workspace/inferred-0-100.txt`, inside]).code, 0);
      assert.equal(runWorker(workspace, '0:100', 'outside.txt').code, 0);
      assert.equal(readFileSync(inside, 'utf8'), readFileSync(join(workspace, 'outside.txt'), 'utf8'));
    } finally {
      runCommand('docker', ['rm', '--force', container]);
      rmSync(workspace, { recursive: true, force: true });
    }
  });
});
