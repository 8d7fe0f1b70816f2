import { describe, expect, test } from 'vitest';
import { EmbeddingModelSpec, qualifiedId, RegisteredModel } from '../../src/index.ts';
import { specDifference } from '../../src/model/model-spec.ts';

const fields = { modelId: 'model', version: 1, dimension: 384, checksum: 'hash' };

describe('EmbeddingModelSpec', () => {
  test('fills in float32 and cosine, or hamming for bits', () => {
    expect(new EmbeddingModelSpec(fields).toJSON()).toEqual({
      ...fields,
      datatype: 'float32',
      distance: 'cosine',
    });
    expect(new EmbeddingModelSpec({ ...fields, datatype: 'bit' }).distance).toBe('hamming');
    expect(new EmbeddingModelSpec({ ...fields, distance: 'dot' }).distance).toBe('dot');
  });

  test('cannot be changed', () => {
    const spec = new EmbeddingModelSpec(fields);
    expect(() => Object.assign(spec, { version: 2 })).toThrow(TypeError);
    expect(() => Object.assign(spec, { note: 'new' })).toThrow(TypeError);
  });

  test.each([
    'a',
    'nomic-embed-text:latest',
    'sentence_transformer_all-MiniLM-L6-v2',
    'm:v1',
    'Modell für Übersetzung',
    '模型 🎉',
    'x'.repeat(512),
  ])('accepts the model id %j', (modelId) => {
    expect(new EmbeddingModelSpec({ ...fields, modelId }).modelId).toBe(modelId);
  });

  test.each<[string, object, RegExp]>([
    ['an empty model id', { modelId: '' }, /modelId must not be empty/],
    ['a blank model id', { modelId: '  ' }, /modelId must be printable characters/],
    ['a model id with a line break', { modelId: 'a\nb' }, /modelId must be printable/],
    ['a model id with a control character', { modelId: 'a\u0007' }, /modelId must be printable/],
    ['a model id with a C1 control character', { modelId: 'a\u0085' }, /modelId must be printable/],
    ['a model id with a line separator', { modelId: 'a\u2028b' }, /modelId must be printable/],
    ['a model id with a lone surrogate', { modelId: 'a\ud800' }, /modelId must be printable/],
    ['a model id without end', { modelId: 'x'.repeat(513) }, /modelId .*512/],
    ['a number as model id', { modelId: 5 }, /modelId .*\(was 5\)/],
    ['no model id', { modelId: undefined }, /modelId .*\(was undefined\)/],
    ['version 0', { version: 0 }, /version must be an integer of at least 1 \(was 0\)/],
    ['version -1', { version: -1 }, /version .*\(was -1\)/],
    ['version true', { version: true }, /version .*\(was true\)/],
    ['version "1"', { version: '1' }, /version .*\(was "1"\)/],
    ['version 1.5', { version: 1.5 }, /version .*\(was 1.5\)/],
    ['version NaN', { version: Number.NaN }, /version .*\(was NaN\)/],
    ['a version past 2^53', { version: 2 ** 53 }, /version/],
    ['a bigint version', { version: 1n }, /version .*\(was 1n\)/],
    ['dimension 2.5', { dimension: 2.5 }, /dimension .*\(was 2.5\)/],
    ['dimension 0', { dimension: 0 }, /dimension must be an integer of at least 1 \(was 0\)/],
    ['dimension Infinity', { dimension: Number.POSITIVE_INFINITY }, /dimension .*\(was Infinity\)/],
    ['dimension "384"', { dimension: '384' }, /dimension/],
    ['an empty checksum', { checksum: '' }, /checksum must not be empty/],
    ['no checksum', { checksum: null }, /checksum .*\(was null\)/],
    ['a checksum with a space', { checksum: 'a b' }, /checksum must be printable characters without spaces/],
    ['a checksum with a no-break space', { checksum: 'a\u00a0b' }, /checksum must be printable/],
    ['a checksum with a control character', { checksum: 'a\u0000' }, /checksum must be printable/],
    ['a checksum that ends in a line break', { checksum: 'abc\n' }, /checksum must be printable/],
    ['another datatype', { datatype: 'int8' }, /datatype .*\(was "int8"\)/],
    ['another distance', { distance: 'manhattan' }, /distance .*\(was "manhattan"\)/],
    [
      'bits by cosine',
      { datatype: 'bit', distance: 'cosine' },
      /distance.*bit vectors go with hamming.*"cosine"/,
    ],
    ['float32 by hamming', { distance: 'hamming' }, /distance.*bit vectors go with hamming.*"hamming"/],
    ['a field it does not know', { dimensions: 3 }, /dimensions/],
  ])('refuses %s', (_, change, message) => {
    expect(() => new EmbeddingModelSpec({ ...fields, ...change } as never)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test.each([undefined, null, 'model', 7, []])('refuses %j for options', (options) => {
    expect(() => new EmbeddingModelSpec(options as never)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID' }),
    );
  });

  test('names every field that does not hold', () => {
    const options = { modelId: '', version: 0, dimension: 0, checksum: '' };
    expect(() => new EmbeddingModelSpec(options)).toThrow(/modelId.*version.*dimension.*checksum/);
  });

  test.each([
    ['abcdef0123456789', 'model:v1:abcdef01'],
    ['hash', 'model:v1:hash'],
  ])('is labelled with the first eight characters of %s', (checksum, label) => {
    expect(new EmbeddingModelSpec({ ...fields, checksum }).qualifiedId).toBe(label);
  });

  test('is labelled unknown without a checksum', () => {
    expect(qualifiedId('m', 2, '')).toBe('m:v2:unknown');
    expect(qualifiedId('m', 2, undefined)).toBe('m:v2:unknown');
  });

  test('stamps nodes with id, version and checksum', () => {
    expect(new EmbeddingModelSpec(fields).info).toEqual({
      embeddingModelId: 'model',
      embeddingVersion: 1,
      embeddingChecksum: 'hash',
    });
  });

  test.each([
    ['modelId', { modelId: 'other' }],
    ['version', { version: 2 }],
    ['checksum', { checksum: 'other' }],
    ['dimension', { dimension: 385 }],
    ['distance', { distance: 'euclid' as const }],
    ['datatype', { datatype: 'bit' as const }],
  ])('differs in %s', (field, change) => {
    const spec = new EmbeddingModelSpec(fields);
    const other = new EmbeddingModelSpec({ ...fields, ...change });
    expect(spec.equals(other)).toBe(false);
    expect(specDifference(spec, other)).toBe(field);
  });

  test('equals a specification of the same fields', () => {
    const spec = new EmbeddingModelSpec(fields);
    expect(spec.equals(new EmbeddingModelSpec(spec.toJSON()))).toBe(true);
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec.toJSON());
  });
});

describe('RegisteredModel', () => {
  const notes = { name: 'Name', pricePerMillionTokens: 0.02, successor: { modelId: 'next', version: 2 } };
  const state = { createdAt: '2026-01-01T00:00:00.000Z', isActive: true };
  const spec = new EmbeddingModelSpec(fields);

  test('carries its notes beside the specification', () => {
    const model = new RegisteredModel(spec, notes, state);
    expect(JSON.parse(JSON.stringify(model))).toEqual({ ...spec.toJSON(), ...notes, ...state });
    expect(model.qualifiedId).toBe(spec.qualifiedId);
    expect(() => Object.assign(model, { isActive: false })).toThrow(TypeError);
  });

  test('is equal to its specification whatever the notes', () => {
    expect(new RegisteredModel(spec, notes, state).equals(spec)).toBe(true);
    expect(spec.equals(new RegisteredModel(spec, {}, { ...state, isActive: false }))).toBe(true);
  });

  test('has no note that was not given', () => {
    expect(Object.keys(new RegisteredModel(spec, {}, state))).not.toContain('name');
  });
});
