import { nodeIdOf, pointIdOf } from '@registry/qdrant';
import { describe, expect, it } from 'vitest';

describe('ids of nodes and points', () => {
  it.for([
    ['0', 0],
    ['42', 42],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['18446744073709551615', 18446744073709551615n],
    ['5c56c793-69f3-4fbf-87e6-c4bf54c28c26', '5c56c793-69f3-4fbf-87e6-c4bf54c28c26'],
  ] as const)('takes %s as it is', ([nodeId, pointId]) => {
    expect(pointIdOf(nodeId)).toBe(pointId);
    expect(nodeIdOf({ id: pointId })).toBe(nodeId);
  });

  it.for([
    '00',
    '-1',
    '18446744073709551616',
    '5C56C793-69F3-4FBF-87E6-C4BF54C28C26',
    '5c56c79369f34fbf87e6c4bf54c28c26',
    'a text',
    '日本語',
  ])('derives a UUID from %s, and finds back by the payload', (nodeId) => {
    const id = pointIdOf(nodeId);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(nodeIdOf({ id, payload: { embedding_node_id: nodeId } })).toBe(nodeId);
  });

  it('keeps spellings apart that would be one point', () => {
    const spellings = ['a', 'A', ' a', 'é', 'e\u0301', '5C56C793-69F3-4FBF-87E6-C4BF54C28C26'];
    expect(new Set(spellings.map(pointIdOf)).size).toBe(spellings.length);
  });

  it('refuses what it cannot tell apart', () => {
    expect(() => pointIdOf('\ud800')).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }));
    expect(() => nodeIdOf({ id: 2 ** 60 })).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }));
    expect(() => nodeIdOf({ id: 7, payload: { embedding_node_id: 'other' } })).toThrow(
      expect.objectContaining({ code: 'NODE_ID_CLASH' }),
    );
  });
});
