import { describe, expect, test } from 'vitest';
import { assertRuntime, processIdentity } from '../src/runtime.ts';

describe('assertRuntime', () => {
  test.each([{ node: '22.14.0', napi: '10' }, { node: '30.0.0', napi: '12' }, process.versions])(
    'lets %j pass',
    (versions) => {
      expect(() => assertRuntime(versions)).not.toThrow();
    },
  );

  test.each([
    [{ node: '20.19.0', napi: '9' }, /this is 20\.19\.0 \(Node-API 9\)/],
    [{ node: '18.0.0', napi: '8' }, /this is 18\.0\.0/],
    [{}, /this is unknown \(Node-API unknown\)/],
  ])('refuses %j with the version that is needed', (versions, message) => {
    expect(() => assertRuntime(versions)).toThrow(
      expect.objectContaining({ code: 'RUNTIME_TOO_OLD', message: expect.stringMatching(message) }),
    );
    expect(() => assertRuntime(versions)).toThrow(/needs Node 22\.14 or newer/);
  });
});

test('a worker says where it runs', () => {
  const { host, pid } = processIdentity();
  expect(host).not.toBe('');
  expect(pid).toBe(process.pid);
});
