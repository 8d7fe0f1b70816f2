import { EmbeddingModelSpec, isRegistryError } from '@registry/core';
import {
  embeddingQualifiedId,
  getEmbeddingInfo,
  isEmbeddingCompatible,
  MemoryNode,
  needsMigration,
  updateEmbeddingInfo,
} from '@registry/node-memory';
import { describe, expect, it } from 'vitest';

const checksum = 'abcdef0123456789';
const spec = new EmbeddingModelSpec({ modelId: 'model', version: 2, dimension: 4, checksum });
const stamped = { embeddingModelId: 'model', embeddingVersion: 2, embeddingChecksum: checksum };

describe('MemoryNode', () => {
  it('has the defaults of the specification', () => {
    const node = new MemoryNode({ id: 'test', content: 'text' });
    expect(node).toMatchObject({
      id: 'test',
      content: 'text',
      metadata: {},
      embeddingModelId: 'binary_hdv',
      embeddingVersion: 1,
      embeddingChecksum: '',
    });
    expect(node.vector).toBeUndefined();
    expect(node.embeddingQualifiedId).toBe('binary_hdv:v1:unknown');
  });

  it('knows whether it needs migration', () => {
    const node = new MemoryNode({ id: 'test', vector: new Uint8Array(2), content: 'test' });
    expect(node.needsMigration(spec)).toBe(true);
    node.vector = new Float32Array(4);
    node.updateEmbeddingInfo(spec);
    expect(node.needsMigration(spec)).toBe(false);
    expect(node.isEmbeddingCompatible(spec)).toBe(true);
    expect(node.embeddingQualifiedId).toBe('model:v2:abcdef01');
    expect(node.getEmbeddingInfo()).toEqual(stamped);
  });

  it('gives its embedding info as an object of its own', () => {
    const node = new MemoryNode({ id: 'a', content: '' });
    Object.assign(node.getEmbeddingInfo(), { embeddingVersion: 9 });
    expect(node.embeddingVersion).toBe(1);
  });

  it.each([
    [{ id: '', content: 'x' }],
    [{ id: '\ud800', content: 'x' }],
    [{ id: 'a', content: 5 }],
    [{ id: 'a', content: 'x', vector: [1, 2] }],
    [{ id: 'a', content: 'x', embeddingVersion: 0 }],
    [{ id: 'a', content: 'x', hdv: new Uint8Array(1) }],
  ])('refuses %j', (fields) => {
    expect(codeOf(() => new MemoryNode(fields as never))).toBe('SPEC_INVALID');
  });

  it.each([
    [{ modelId: '', version: 1 }],
    [{ modelId: 'm', version: 0 }],
    [{ modelId: 'm', version: true }],
    [{ modelId: 'm', version: 1.5 }],
    [{ modelId: 'm', version: 1, checksum: null }],
  ])('refuses to be updated to %j', (source) => {
    const node = new MemoryNode({ id: 'a', content: 'x' });
    expect(codeOf(() => node.updateEmbeddingInfo(source as never))).toBe('SPEC_INVALID');
    expect(node.embeddingModelId).toBe('binary_hdv');
  });
});

describe('the one rule of compatibility', () => {
  it.each([
    ['all equal', stamped, false],
    ['checksum unknown', { ...stamped, embeddingChecksum: '' }, false],
    ['another checksum', { ...stamped, embeddingChecksum: 'abcdef01' }, true],
    ['another version', { ...stamped, embeddingVersion: 3 }, true],
    ['another model', { ...stamped, embeddingModelId: 'Model' }, true],
    ['version as text', { ...stamped, embeddingVersion: '2' }, false],
    [
      'snake_case',
      { embedding_model_id: 'model', embedding_version: 2, embedding_checksum: checksum },
      false,
    ],
    ['no stamp', {}, true],
    ['vector of another length', { ...stamped, vector: new Float32Array(3) }, true],
    ['vector of another type', { ...stamped, vector: new Uint8Array(4) }, true],
    ['fitting vector', { ...stamped, vector: new Float32Array(4) }, false],
  ])('%s', (_, node, expected) => {
    expect(needsMigration(node, spec)).toBe(expected);
    expect(isEmbeddingCompatible(node, spec)).toBe(!expected);
  });

  it('reads, labels and updates any object', () => {
    const node = { embedding_model_id: 'm', embedding_version: '3' };
    expect(getEmbeddingInfo(node)).toEqual({
      embeddingModelId: 'm',
      embeddingVersion: 3,
      embeddingChecksum: '',
    });
    expect(embeddingQualifiedId(node)).toBe('m:v3:unknown');
    expect(getEmbeddingInfo({})).toBeUndefined();
    expect(embeddingQualifiedId({})).toBe('unknown');
    const plain = { text: 'mine' };
    expect(updateEmbeddingInfo(plain, spec)).toBe(plain);
    expect(plain).toEqual({ text: 'mine', ...stamped });
  });
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isRegistryError(error) ? error.code : String(error);
  }
  return 'nothing thrown';
}
