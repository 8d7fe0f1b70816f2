import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createVectorMetadata,
  EmbeddingModelSpec,
  type ForeignStamp,
  isAtTarget,
  isCompatible,
  sameStamp,
  stampOf,
  verifyVectorCompatibility,
} from '../../src/index.ts';

const spec = new EmbeddingModelSpec({ modelId: 'm', version: 2, dimension: 4, checksum: 'abc' });
const stamp = spec.info;

describe('stampOf', () => {
  test.each<[string, ForeignStamp]>([
    ['camelCase', { embeddingModelId: 'm', embeddingVersion: 2, embeddingChecksum: 'abc' }],
    ['snake_case', { embedding_model_id: 'm', embedding_version: 2, embedding_checksum: 'abc' }],
    ['a version as text', { embedding_model_id: 'm', embedding_version: '2', embedding_checksum: 'abc' }],
    [
      'a version as padded text',
      { embedding_model_id: 'm', embedding_version: ' 2 ', embedding_checksum: 'abc' },
    ],
  ])('reads %s', (_, value) => {
    expect(stampOf(value)).toEqual(stamp);
  });

  test.each([undefined, null, 7, ''])('reads the checksum %j as unknown', (embeddingChecksum) => {
    expect(stampOf({ ...stamp, embeddingChecksum })?.embeddingChecksum).toBe('');
  });

  test.each<[string, ForeignStamp | null | undefined]>([
    ['nothing', undefined],
    ['null', null],
    ['no fields', {}],
    ['an empty id', { ...stamp, embeddingModelId: '' }],
    ['an id that is no text', { ...stamp, embeddingModelId: 7 }],
    ['no version', { embeddingModelId: 'm' }],
    ['version 0', { ...stamp, embeddingVersion: 0 }],
    ['version -1', { ...stamp, embeddingVersion: '-1' }],
    ['version 2.9', { ...stamp, embeddingVersion: 2.9 }],
    ['version v2', { ...stamp, embeddingVersion: 'v2' }],
    ['an empty version', { ...stamp, embeddingVersion: '' }],
    ['a blank version', { ...stamp, embeddingVersion: ' ' }],
    ['version true', { ...stamp, embeddingVersion: true }],
    ['version NaN', { ...stamp, embeddingVersion: Number.NaN }],
  ])('reads no stamp from %s', (_, value) => {
    expect(stampOf(value)).toBeUndefined();
  });
});

describe('isCompatible', () => {
  test.each([
    ['the same stamp', stamp, undefined, true],
    ['an unknown checksum', { ...stamp, embeddingChecksum: '' }, undefined, true],
    ['another checksum', { ...stamp, embeddingChecksum: 'abd' }, undefined, false],
    ['a checksum prefix', { ...stamp, embeddingChecksum: 'ab' }, undefined, false],
    ['a checksum in capitals', { ...stamp, embeddingChecksum: 'ABC' }, undefined, false],
    ['another version', { ...stamp, embeddingVersion: 1 }, undefined, false],
    ['a newer version', { ...stamp, embeddingVersion: 3 }, undefined, false],
    ['another id', { ...stamp, embeddingModelId: 'M' }, undefined, false],
    ['no stamp', undefined, new Float32Array(4), false],
    ['a vector that fits', stamp, new Float32Array(4), true],
    ['no vector', stamp, null, true],
    ['a vector of another length', stamp, new Float32Array(5), false],
    ['a vector of bits', stamp, new Uint8Array(4), false],
    ['an unknown checksum and a wrong vector', { ...stamp, embeddingChecksum: '' }, new Uint8Array(4), false],
  ])('%s: %o', (_, nodeStamp, vector, expected) => {
    expect(isCompatible({ stamp: nodeStamp, vector }, spec)).toBe(expected);
  });

  test('is what verifyVectorCompatibility says of metadata, which it may read back', () => {
    expect(verifyVectorCompatibility(createVectorMetadata(spec), spec)).toBe(true);
    expect(verifyVectorCompatibility(createVectorMetadata(spec), spec, new Float32Array(3))).toBe(false);
    expect(verifyVectorCompatibility({ embedding_model_id: 'm', embedding_version: '2' }, spec)).toBe(true);
    expect(verifyVectorCompatibility({ embedding_model_id: 'm', embedding_version: 'v2' }, spec)).toBe(false);
    expect(verifyVectorCompatibility(null, spec)).toBe(false);
  });
});

test('createVectorMetadata has snake_case names and an integer version', () => {
  expect(createVectorMetadata(spec)).toEqual({
    embedding_model_id: 'm',
    embedding_version: 2,
    embedding_checksum: 'abc',
  });
});

describe('isAtTarget', () => {
  test.each([
    ['same stamp, hash unknown', { ...stamp, contentHash: 'h' }, true],
    ['same stamp, same hash', { ...stamp, contentHash: 'h', embeddedHash: 'h' }, true],
    ['same stamp, other text', { ...stamp, contentHash: 'h', embeddedHash: 'old' }, false],
    ['unknown checksum', { ...stamp, embeddingChecksum: '', contentHash: 'h', embeddedHash: 'h' }, false],
    ['no stamp', { contentHash: 'h' }, false],
  ])('%s', (_, node, expected) => {
    expect(isAtTarget(node, stamp)).toBe(expected);
  });

  const info = fc.record({
    embeddingModelId: fc.constantFrom('m', 'n'),
    embeddingVersion: fc.constantFrom(1, 2),
    embeddingChecksum: fc.constantFrom('', 'abc', 'abd'),
  });
  const hash = fc.constantFrom('g', 'h');

  test('asks for all three fields and for the text, and is stricter than isCompatible', () => {
    fc.assert(
      fc.property(
        fc.option(info),
        info,
        hash,
        fc.option(hash),
        (nodeStamp, target, contentHash, embedded) => {
          const node = { ...nodeStamp, contentHash, ...(embedded !== null && { embeddedHash: embedded }) };
          const isSameStamp = nodeStamp !== null && JSON.stringify(nodeStamp) === JSON.stringify(target);
          expect(sameStamp(nodeStamp ?? undefined, target)).toBe(isSameStamp);
          expect(isAtTarget(node, target)).toBe(
            isSameStamp && (embedded === null || embedded === contentHash),
          );
          if (isAtTarget(node, spec.info))
            expect(isCompatible({ stamp: nodeStamp ?? undefined }, spec)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('two nodes without a stamp have the same one', () => {
    expect(sameStamp(undefined, {})).toBe(true);
  });
});
