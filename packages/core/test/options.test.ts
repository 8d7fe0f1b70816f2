import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isRegistryError, parseOptions, type RegistryError } from '../src/index.ts';

const schema = z.strictObject({
  batchSize: z.int().min(1, 'must be an integer of at least 1').default(100),
  name: z.string().min(3, 'must have at least 3 characters').optional(),
  nested: z.object({ list: z.array(z.number()) }).optional(),
  run: z.instanceof(Function).optional(),
});

function failureOf(value: unknown): RegistryError {
  try {
    parseOptions(schema, value, 'options of the test');
  } catch (error) {
    if (isRegistryError(error)) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('parseOptions', () => {
  test('answers the parsed value, defaults filled in', () => {
    expect(parseOptions(schema, { name: 'abc' }, 'options')).toEqual({ batchSize: 100, name: 'abc' });
  });

  test.each<[unknown, string]>([
    [{ batchSize: 0 }, 'batchSize must be an integer of at least 1 (was 0)'],
    [{ batchSize: 5n }, '(was 5n)'],
    [{ batchSize: Number.NaN }, '(was NaN)'],
    [{ batchSize: null }, '(was null)'],
    [{ batchSize: true }, '(was true)'],
    [{ batchSize: [1, 2] }, '(was a list of 2)'],
    [{ batchSize: { a: 1 } }, '(was an object)'],
    [{ batchSize: () => 1 }, '(was a function)'],
    [{ batchSize: Symbol('s') }, '(was Symbol(s))'],
    [{ batchsize: 5 }, 'the test: batchsize is not known; leave it out, or look how it is spelled.'],
    [{ name: 'a"' }, 'name must have at least 3 characters (was "a\\"")'],
    [{ nested: { list: [1, 'x'] } }, 'nested.list.1'],
    [undefined, '(was undefined)'],
    ['text', '(was "text")'],
  ])('names what is wrong with %o', (value, text) => {
    const failure = failureOf(value);
    expect(failure.code).toBe('SPEC_INVALID');
    expect(failure.message).toMatch(/^Invalid options of the test: .*\.$/);
    expect(failure.message).toContain(text);
  });

  test('names every field at once, also in the details', () => {
    const failure = failureOf({ batchSize: 0, name: 'a' });
    expect(failure.message).toContain('; name');
    expect(failure.details.issues).toEqual([
      { path: 'batchSize', problem: 'must be an integer of at least 1', received: '0' },
      { path: 'name', problem: 'must have at least 3 characters', received: '"a"' },
    ]);
  });

  test('never spells out the whole of what was passed', () => {
    const circle: Record<string, unknown> = { apiKey: 'sk-secret', batchsize: 5 };
    circle.self = circle;
    const failure = failureOf(circle);
    expect(failure.message).toContain('batchsize');
    expect(JSON.stringify([failure.message, failure.details])).not.toContain('sk-secret');
  });

  test('cuts long values', () => {
    const { message } = failureOf('😀'.repeat(100));
    expect(message.length).toBeLessThan(250);
    expect(message.isWellFormed()).toBe(true);
  });

  test('throws the code it is told', () => {
    expect(() => parseOptions(schema, { batchSize: 0 }, 'file', 'CONFIG_INVALID')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
