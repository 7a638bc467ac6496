import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageReference } from './image-reference.ts';

test('images are read as Docker reads them', () => {
  const cases = [
    ['alpine', 'alpine', 'latest', 'docker.io'],
    ['team/tool:1.2', 'team/tool', '1.2', 'docker.io'],
    ['index.docker.io/team/tool', 'index.docker.io/team/tool', 'latest', 'docker.io'],
    ['localhost/tool', 'localhost/tool', 'latest', 'localhost'],
    ['127.0.0.1:5000/tool:3', '127.0.0.1:5000/tool', '3', '127.0.0.1:5000'],
    ['registry.example/a/b@sha256:0123', 'registry.example/a/b', 'sha256:0123', 'registry.example'],
    ['registry.example:443/a/b:1@sha256:0123', 'registry.example:443/a/b', 'sha256:0123', 'registry.example:443'],
  ] as const;
  for (const [image, name, version, registry] of cases) {
    assert.deepEqual(parseImageReference(image), { name, version, registry }, image);
  }
});
