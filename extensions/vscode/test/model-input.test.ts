import { EmbeddingModelSpec } from '@registry/core';
import { describe, expect, it } from 'vitest';
import { english } from '../src/language.ts';
import { checkModelInput } from '../src/model/model-input.ts';
import type { ModelData } from '../src/registry-process/messages.ts';

const known = [1, 3].map(
  (version): ModelData => ({
    ...new EmbeddingModelSpec({ modelId: 'known', version, dimension: 4, checksum: 'c' }).toJSON(),
    createdAt: '2026-01-01T00:00:00.000Z',
    isActive: false,
  }),
);
const check = checkModelInput(known, english);

describe('the guided input of a model', () => {
  it('offers the next version', () => {
    expect(check.nextVersion('known')).toBe(4);
    expect(check.nextVersion('other')).toBe(1);
  });

  it.each([
    ['known', '3', 'Version 3 is registered already; the next one is 4.'],
    ['known', '2', 'Versions grow; the next one is 4.'],
    ['known', '4', undefined],
    ['other', '0', 'A whole number of at least 1.'],
    ['other', '1.5', 'A whole number of at least 1.'],
  ])('of %s v%s says %j', (modelId, version, complaint) => {
    expect(check.version(modelId, version)).toBe(complaint);
  });

  it('lets through what the registry takes, and nothing else', () => {
    const takes = (changes: object) => {
      try {
        new EmbeddingModelSpec({ modelId: 'm', version: 1, dimension: 2, checksum: 'c', ...changes });
        return true;
      } catch {
        return false;
      }
    };
    for (const text of ['a', ' ', '', 'a b', 'a\nb', 'ä', '\u2028', 'x'.repeat(513), '\ud800']) {
      expect(check.modelId(text) === undefined, JSON.stringify(text)).toBe(takes({ modelId: text }));
      expect(check.checksum(text) === undefined, JSON.stringify(text)).toBe(takes({ checksum: text }));
    }
    for (const text of ['1', '0', '-1', '1e3', '2.5', '768'])
      expect(check.dimension(text) === undefined, text).toBe(
        /^\d+$/.test(text) && takes({ dimension: Number(text) }),
      );
  });
});
