/** Stores that are too large for an exact search: a sample of their nodes has to tell. */
import { expect, it } from 'vitest';
import { seededChance } from '../../src/chance.ts';
import type { ManagerContext } from '../../src/context.ts';
import type { Sample } from '../../src/gate/sample.ts';
import { storeSearchOf } from '../../src/gate/store-search.ts';
import { EmbeddingModelSpec } from '../../src/model/model-spec.ts';
import { scorer } from '../../src/model/score.ts';
import type { Vector } from '../../src/model/vector.ts';
import type { NodeStore } from '../../src/ports/node-store.ts';

const NODES = 24_000;
const DIMENSION = 6;
const spec = new EmbeddingModelSpec({
  modelId: 'small',
  version: 1,
  dimension: DIMENSION,
  checksum: 'a'.repeat(64),
  datatype: 'float32',
  distance: 'euclid',
});
const chance = seededChance(11);
const draw = () => Float32Array.from({ length: DIMENSION }, () => chance.next() * 2 - 1);
const vectors = Array.from({ length: NODES }, draw);
const ids = vectors.map((_, index) => `node-${String(index).padStart(6, '0')}`);
const queries = Array.from({ length: 80 }, draw);

/** The fifty nearest of each query, nearest first. */
const ranked = new Map(queries.map((query): [Vector, number[]] => [query, nearestTo(query)]));

function nearestTo(query: Vector): number[] {
  const score = scorer(query, 'euclid', DIMENSION);
  const scores = new Float64Array(NODES);
  for (const [index, vector] of vectors.entries()) scores[index] = score(vector);
  const edge = scores.slice().sort().at(-50)!;
  const near = [...scores.keys()].filter((index) => scores[index]! >= edge);
  return near.sort((a, b) => scores[b]! - scores[a]!);
}

const sample = {
  queries: queries.map((vector) => ({ kind: 'open', node: undefined, old: undefined, new: vector })),
  oldSpec: undefined,
  hasOldEmbedder: false,
} as unknown as Sample;

/** As many nodes as told, of which those are known to the search that `knows` says. */
function storeOf(
  knows: (index: number) => boolean,
  { count = NODES, answers = (k: number) => k, fenceOf = (): string => 'f' } = {},
): NodeStore {
  const node = (index: number) => ({
    ...spec.info,
    id: ids[index]!,
    contentHash: 'c',
    vector: vectors[index]!,
    fence: fenceOf(),
  });
  return {
    capabilities: { fence: 'exact', where: false, strategies: ['inPlace'] },
    countByModel: async () => [{ info: spec.info, count }],
    scan: async () => ({ items: ids.map((id) => ({ id, ...spec.info })) }),
    read: async (some: readonly string[]) => some.map((id) => node(Number(id.slice(5)))),
    async search(vector: Vector, { k }: { k: number }) {
      const known = ranked.get(vector)!.filter(knows).slice(0, answers(k));
      // On a scale of its own.
      return known.map((index) => ({ id: ids[index]!, score: 7 }));
    },
  } as unknown as NodeStore;
}

const looked = (nodes: NodeStore) =>
  storeSearchOf(
    { nodes, config: { enabled: true } } as unknown as ManagerContext,
    sample,
    spec,
    { k: 10, nodes: 300, confidence: 0.95, chance: seededChance(1) },
    { chance: seededChance(2), signal: undefined },
  );

it('finds no miss of an exact store in a sample of its nodes', async () => {
  const { check, notes } = await looked(storeOf(() => true));
  expect(notes).toEqual([]);
  expect(check).toMatchObject({ measure: 'storeMisses', outcome: 'passed', new: 0 });
  // Ten nearest of each query, of which the sample holds four in expectation: nearly every query says something.
  expect(check!.loss.count).toBeGreaterThan(70);
});

it('finds what a store misses in a sample of its nodes', async () => {
  const { check } = await looked(storeOf((index) => index % 4 !== 0));
  expect(check!.outcome).toBe('failed');
  expect(check!.loss.low).toBeLessThan(0.25);
  expect(check!.loss.high).toBeGreaterThan(0.25);
});

it('finds answers too short, though each of their hits is right', async () => {
  const { check } = await looked(storeOf(() => true, { answers: (k) => k / 2 }));
  expect(check!.outcome).toBe('failed');
});

it('takes a node that was written meanwhile for no miss', async () => {
  let fence = 0;
  const { check } = await looked(storeOf((index) => index % 4 !== 0, { fenceOf: () => String(fence++) }));
  expect(check).toMatchObject({ outcome: 'passed', new: 0 });
});

it('says of millions of nodes that its sample is too small, and asks nothing', async () => {
  const { check, notes } = await looked(storeOf(() => true, { count: 5_000_000 }));
  expect(check).toBeUndefined();
  expect(notes).toEqual([
    "The store's own search was not compared in the new space: 80 queries and 10000 of its 5000000 vectors make 1 observations, and it takes 35.",
  ]);
});
