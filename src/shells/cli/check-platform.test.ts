import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPlatform } from './check-platform.ts';

test('Linux and macOS with Node 20.19 or newer are accepted', () => {
  checkPlatform('linux', '20.19.0');
  checkPlatform('darwin', '24.1.0');
});

test('an older Node is refused with the version that is needed', () => {
  assert.throws(() => checkPlatform('linux', '20.18.3'), {
    code: 'PLATFORM_UNSUPPORTED',
    message: 'Node 20.18.3 is too old: 20.19 or newer is needed',
  });
});

test('Windows is sent to WSL 2, other systems to a Linux machine', () => {
  assert.throws(() => checkPlatform('win32', '22.0.0'), { code: 'PLATFORM_UNSUPPORTED', hint: /WSL 2/ });
  assert.throws(() => checkPlatform('sunos', '22.0.0'), { code: 'PLATFORM_UNSUPPORTED', hint: /Linux/ });
});
