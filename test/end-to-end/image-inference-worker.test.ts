// The main job's worker as it runs on the process runtime: real model, real pictures, no Distributo.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import {
  exampleDir,
  fillWorkspace,
  prepareExample,
  readAnswers,
  runCommand,
  runWorker,
} from '../support/image-inference.ts';

const skip = prepareExample() ?? false;

describe('the image inference worker', () => {
  let workspace = '';
  before(() => {
    if (skip === false) workspace = fillWorkspace();
  });
  after(() => skip === false && rmSync(workspace, { recursive: true, force: true }));

  test('classifies the whole list and skips exactly the five broken pictures, each for its own reason', {
    skip,
  }, () => {
    const { code, out, err } = runWorker(workspace, '0:1000', 'all.txt');
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^995 of 1000 pictures classified, 5 skipped; load .* decode .* inference .* peak memory \d+ MiB/,
    );
    const skipped = err.trimEnd().split('\n');
    assert.equal(skipped.length, 5);
    assert.match(skipped[0] ?? '', /^skipped picture-0073 \(lost\.png\): no such file$/);
    assert.match(skipped[1] ?? '', /^skipped picture-0248 \(truncated\.jpg\): cannot be decoded: .*[Tt]runcated/);
    assert.match(skipped[2] ?? '', /^skipped picture-0415 \(orb_descriptor_positions\.txt\): .*cannot identify image/);
    assert.match(skipped[3] ?? '', /^skipped picture-0830 \(coffee\.png\): crop .* leaves the picture of 600 x 400$/);
    assert.match(skipped[4] ?? '', /^skipped picture-0877 \(chelsea\.png\): crop of 0 x 200 pixels is empty$/);
    assert.equal(readAnswers(join(workspace, 'all.txt')).length, 995);
  });

  test('writes one line for each picture that worked, with five labels in falling order of score', { skip }, () => {
    const { code, out, err } = runWorker(workspace, '800:900', 'batch.txt');
    assert.equal(code, 0, err);
    assert.match(out, /^98 of 100 pictures classified, 2 skipped/);
    const answers = readAnswers(join(workspace, 'batch.txt'));
    assert.equal(answers.length, 98);
    assert.equal(new Set(answers.map(({ id }) => id)).size, 98);
    for (const { id, top } of answers) {
      assert.equal(top.length, 5, id);
      const scores = top.map(([, score]) => score);
      assert.deepEqual(
        scores,
        scores.toSorted((a, b) => b - a),
        id,
      );
      // Five scores rounded to four places may add up to a little more than they are.
      assert.ok(scores.every((score) => score >= 0) && scores.reduce((sum, score) => sum + score, 0) <= 1.00025, id);
    }
  });

  test('knows a cat, an espresso and a daisy', { skip }, () => {
    const { code, err } = runWorker(workspace, '0:10', 'known.txt');
    assert.equal(code, 0, err);
    const best = new Map(readAnswers(join(workspace, 'known.txt')).map(({ source, top }) => [source, top[0]?.[0]]));
    assert.equal(best.get('chelsea.png'), 'tiger cat');
    assert.equal(best.get('coffee.png'), 'espresso');
    assert.equal(best.get('flower.jpg'), 'daisy');
  });

  test('gives other results when two label lines are swapped: the labels come from the model, not from the list', {
    skip,
  }, () => {
    const labels = join(workspace, 'model/labels.txt');
    const original = readFileSync(labels, 'utf8');
    const lines = original.split('\n');
    const [espresso, daisy] = [lines.indexOf('espresso'), lines.indexOf('daisy')];
    assert.ok(espresso >= 0 && daisy >= 0);
    runWorker(workspace, '0:10', 'straight.txt');
    writeFileSync(labels, lines.with(espresso, 'daisy').with(daisy, 'espresso').join('\n'));
    runWorker(workspace, '0:10', 'swapped.txt');
    writeFileSync(labels, original);
    const [straight, swapped] = ['straight.txt', 'swapped.txt'].map((name) =>
      readFileSync(join(workspace, name), 'utf8'),
    );
    assert.notEqual(straight, swapped);
    const exchanged = straight?.replace(/espresso|daisy/g, (label) => (label === 'daisy' ? 'espresso' : 'daisy'));
    assert.equal(exchanged, swapped);
  });

  test('takes a list with nothing but id and source, for pictures of your own', { skip }, () => {
    const list = join(workspace, 'pictures.csv');
    const original = readFileSync(list);
    writeFileSync(list, 'source,id\nchelsea.png,my cat\n');
    const { code, err } = runWorker(workspace, '0:100', 'own.txt');
    writeFileSync(list, original);
    assert.equal(code, 0, err);
    const answers = readAnswers(join(workspace, 'own.txt'));
    assert.deepEqual(
      answers.map(({ id, top }) => [id, top[0]?.[0]]),
      [['my cat', 'tiger cat']],
    );
  });

  test('answers a wrong call with its usage and exit 1', { skip }, () => {
    for (const args of [
      [],
      ['0:10'],
      ['0:10', 'a.txt', 'b.txt'],
      ['ten:20', 'a.txt'],
      ['0-10', 'a.txt'],
      ['9:9', 'a.txt'],
    ]) {
      const { code, err } = runWorker(workspace, ...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(err, /^usage: worker\.py START:END OUTPUT/, args.join(' '));
    }
    assert.equal(existsSync(join(workspace, 'a.txt')), false);
  });

  test('fails, with the reason and without an output, where nothing could be done', { skip }, () => {
    const beyond = runWorker(workspace, '1000:1100', 'none.txt');
    assert.deepEqual([beyond.code, beyond.err], [1, 'worker: pictures.csv has 1000 lines, nothing at 1000:1100\n']);
    const onlyBroken = runWorker(workspace, '73:74', 'none.txt');
    assert.equal(onlyBroken.code, 1);
    assert.match(onlyBroken.err, /none of the 1 pictures could be classified/);
    assert.equal(existsSync(join(workspace, 'none.txt')), false);
    const unwritable = runWorker(workspace, '0:1', 'worker.py/none.txt');
    assert.equal(unwritable.code, 1);
    assert.match(unwritable.err, /^worker: .*worker\.py/);
  });
});

describe('the image inference example', () => {
  test('has a list of pictures that its generator writes again, byte for byte', { skip }, () => {
    const { code, out } = runCommand('python3', ['make-pictures.py']);
    assert.equal(code, 0);
    assert.equal(out, readFileSync(join(exampleDir, 'pictures.csv'), 'utf8'));
    assert.equal(out.trimEnd().split('\n').length, 1001);
  });

  test('has a job file whose ten batches cover the list once', { skip }, () => {
    const job = parse(readFileSync(join(exampleDir, 'job.yaml'), 'utf8'));
    assert.deepEqual(job.array, { range: { from: 0, to: 1000, step: 100 } });
    const [first, second] = job.command;
    assert.deepEqual([first, second], [`\${start}:\${end}`, job.outputs[0].path]);
  });

  test('is prepared only once', { skip }, () => {
    const { code, err } = runCommand('python3', ['prepare.py']);
    assert.equal(code, 0);
    assert.match(err, /ready \(prepared before\)/);
  });

  test('says which one command helps where Debian has no python3-venv', { skip }, () => {
    const code = `
import importlib.util, runpy, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ensurepip" else find_spec(name, *rest)
runpy.run_path("prepare.py", run_name="__main__")`;
    const { code: exit, err } = runCommand('python3', ['-c', code]);
    assert.equal(exit, 3);
    assert.match(err, /python3-venv is not installed\.\nNext: (sudo )?apt-get install -y python3-venv\n$/);
  });
});
