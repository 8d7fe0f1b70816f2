import { describe, expect, test } from 'vitest';
import {
  EmbedderError,
  embedderFailureOf,
  errorCodes,
  isRegistryError,
  RegistryError,
  reasonOf,
} from '../src/index.ts';

// A copy of the class, as another bundle of the package would bring it.
class OtherCopy extends Error {
  code = 'DISK_FULL';
}
Object.defineProperty(OtherCopy.prototype, Symbol.for('@registry/core.error'), { value: true });

test('every code has a sentence, and each is told once', () => {
  const sentences = Object.values(errorCodes);
  for (const [code, sentence] of Object.entries(errorCodes)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
  }
  expect(new Set(sentences).size).toBe(sentences.length);
});

describe('RegistryError', () => {
  test('carries code, details and cause', () => {
    const cause = new Error('inner');
    const error = new RegistryError('DISK_FULL', 'No room.', { details: { bytes: 5 }, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'RegistryError', code: 'DISK_FULL', message: 'No room.', cause });
    expect(error.details).toEqual({ bytes: 5 });
    expect(error.stack).toContain('errors.test.ts');
  });

  test('has neither details nor cause unless given', () => {
    const error = new RegistryError('DISK_FULL', 'No room.');
    expect(error.details).toEqual({});
    expect('cause' in error).toBe(false);
  });
});

describe('isRegistryError', () => {
  test.each([
    [new RegistryError('DISK_FULL', ''), true],
    [new EmbedderError('fatal', ''), true],
    [new OtherCopy(), true],
    [new Error('no'), false],
    [{ code: 'DISK_FULL', name: 'RegistryError' }, false],
    [null, false],
    [undefined, false],
    ['DISK_FULL', false],
  ])('%o: %s', (value, expected) => {
    expect(isRegistryError(value)).toBe(expected);
  });

  test('asks for the code where one is given', () => {
    expect(isRegistryError(new OtherCopy(), 'DISK_FULL')).toBe(true);
    expect(isRegistryError(new OtherCopy(), 'PLAN_STATE')).toBe(false);
  });
});

describe('EmbedderError', () => {
  test.each(['rateLimited', 'transient', 'refused', 'fatal'] as const)('says that it is %s', (kind) => {
    const error = new EmbedderError(kind, 'No.', { retryAfterMs: 1500 });
    expect(error).toMatchObject({ name: 'EmbedderError', code: 'EMBEDDER_FAILED', kind, retryAfterMs: 1500 });
    expect(embedderFailureOf(error)).toBe(kind);
  });

  test('asks for no wait unless told', () => {
    expect(new EmbedderError('transient', '').retryAfterMs).toBeUndefined();
  });

  test.each([
    new Error('reset'),
    'text',
    undefined,
    null,
    { kind: 'fatal' },
    new RegistryError('DISK_FULL', ''),
  ])('anything else thrown is transient: %o', (thrown) => {
    expect(embedderFailureOf(thrown)).toBe('transient');
  });
});

describe('reasonOf', () => {
  test.each<[unknown, string, string]>([
    [new RegistryError('DISK_FULL', 'No room.'), 'DISK_FULL', 'No room.'],
    [new OtherCopy('No room.'), 'DISK_FULL', 'No room.'],
    [new TypeError('broken'), 'EMBEDDER_FAILED', 'broken'],
    ['text', 'EMBEDDER_FAILED', 'text'],
    [undefined, 'EMBEDDER_FAILED', 'undefined'],
    [Symbol('s'), 'EMBEDDER_FAILED', 'Symbol(s)'],
  ])('%o', (thrown, code, message) => {
    expect(reasonOf(thrown, 'EMBEDDER_FAILED')).toEqual({ code, message });
  });

  test('keeps 500 characters', () => {
    expect(reasonOf(new Error('x'.repeat(500)), 'DISK_FULL').message).toBe('x'.repeat(500));
    expect(reasonOf(new Error('x'.repeat(501)), 'DISK_FULL').message).toBe(`${'x'.repeat(499)}…`);
  });

  test('stays well-formed where it cuts', () => {
    const { message } = reasonOf(new Error(`x${'😀'.repeat(300)}`), 'DISK_FULL');
    expect(message.isWellFormed()).toBe(true);
    expect(reasonOf(new Error('😀'.repeat(300)), 'DISK_FULL').message.isWellFormed()).toBe(true);
  });
});
