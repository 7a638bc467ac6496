import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transferTrouble } from './transfer-url.ts';

test('files, buckets and web addresses are inputs', () => {
  for (const url of [
    'file:///a/b',
    'file://localhost/a',
    's3://bucket',
    's3://bucket/key?odd#one',
    'https://host/x',
    'HTTP://host',
  ]) {
    assert.equal(transferTrouble(url, 'input'), undefined, url);
  }
});

test('outputs go to files and buckets, not to web addresses', () => {
  assert.equal(transferTrouble('s3://bucket/key', 'output'), undefined);
  assert.equal(transferTrouble('file:///a', 'output'), undefined);
  assert.match(transferTrouble('https://host/x', 'output')?.what ?? '', /outputs cannot be sent there/);
});

test('what names no place is told with the form that would', () => {
  assert.match(transferTrouble('file://other-host/a', 'input')?.hint ?? '', /file:\/\/\/absolute/);
  assert.match(transferTrouble('file:relative', 'input')?.hint ?? '', /file:\/\/\/absolute/);
  assert.match(transferTrouble('s3:///key', 'input')?.hint ?? '', /s3:\/\/bucket\/key/);
  assert.match(transferTrouble('https:///x', 'input')?.what ?? '', /no host/);
  for (const url of ['gs://bucket/key', 'ftp://host/x', 'relative/path', '']) {
    assert.match(transferTrouble(url, 'output')?.what ?? '', /scheme is not known/, url);
  }
});
