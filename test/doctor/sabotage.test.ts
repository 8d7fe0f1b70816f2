/** Built-in embedders, honest and broken, before the witness of the honest one. */
import {
  type Embedder,
  EmbeddingModelSpec,
  EmbeddingVersionManager,
  isRegistryError,
  type Vector,
} from '@registry/core';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { describe, expect, it, onTestFinished } from 'vitest';

/** A small generator of numbers in [0, 1) that are the same for a seed (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Sabotage = (honest: Embedder, random: () => number) => Embedder['embed'];

const prefixes = ['query: ', 'passage: ', 'title: none | text: ', 'search_document: '];
const changed = (honest: Embedder, change: (text: string) => string): Embedder['embed'] => {
  return (texts, o) => honest.embed(texts.map(change), o);
};
const remade = (honest: Embedder, change: (vector: Vector) => Vector): Embedder['embed'] => {
  return async (texts, o) => (await honest.embed(texts, o)).map(change);
};

const sabotages: Readonly<Record<string, Sabotage>> = {
  'a wrong prefix': (honest, random) =>
    changed(honest, (text) => prefixes[Math.floor(random() * prefixes.length)]! + text),
  'shuffled dimensions': (honest, random) => {
    const { dimension } = honest.spec;
    const order = Array.from({ length: dimension }, (_, index) => index);
    for (let index = dimension - 1; index > 0; index--) {
      const other = Math.floor(random() * (index + 1));
      [order[index], order[other]] = [order[other]!, order[index]!];
    }
    return remade(honest, (vector) => permuted(vector, order));
  },
  'constant vectors': (honest) => async (texts, o) => {
    const [vector] = await honest.embed(['the same for all'], o);
    return texts.map(() => vector!.slice());
  },
  'truncated input': (honest, random) => {
    const length = 8 + Math.floor(random() * 1_500);
    return changed(honest, (text) => text.slice(0, length));
  },
};

function permuted(vector: Vector, order: readonly number[]): Vector {
  if (vector instanceof Float32Array) return Float32Array.from(order, (from) => vector[from]!);
  const made = new Uint8Array(vector.length);
  for (const [to, from] of order.entries())
    if (vector[from >> 3]! & (0x80 >> (from & 7))) made[to >> 3]! |= 0x80 >> (to & 7);
  return made;
}

/** What another processor, or half precision, costs. */
const noise: Readonly<Record<string, (random: () => number) => (vector: Vector) => Vector>> = {
  'nothing changed': () => (vector) => vector,
  'half precision': () => (vector) => (vector instanceof Float32Array ? vector.map(toHalf) : vector),
  'sums in another order': (random) => (vector) =>
    vector instanceof Float32Array
      ? vector.map((element) => element * (1 + (random() - 0.5) * 2e-3) + (random() - 0.5) * 1e-4)
      : vector.map((byte) => (random() < 0.02 ? byte ^ (1 << Math.floor(random() * 8)) : byte)),
};

/** A float32 rounded to the eleven significant bits of a float16. */
function toHalf(element: number): number {
  if (element === 0) return 0;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(element))) - 10);
  return Math.round(element / step) * step;
}

const narrow = hashedNgram({ dimension: 512 });
const wide = hashedNgram({ dimension: 1024 });
const bits = binaryHdv({ dimension: 4096 });
/** The next version of a name, at another dimension. */
const nextBits: Embedder = (() => {
  const inner = binaryHdv({ dimension: 8192 });
  const { modelId } = bits.spec;
  const spec = new EmbeddingModelSpec({ ...inner.spec.toJSON(), modelId, version: 2 });
  return { spec, embed: (texts, o) => inner.embed(texts, o) };
})();
const honestOnes = { '512 n-grams': narrow, '1024 n-grams': wide, 'bits v1': bits, 'bits v2': nextBits };

/** A registry whose models have the witnesses of these embedders, and in which something else embeds by now. */
async function now(honest: Embedder, embed: Embedder['embed']): Promise<EmbeddingVersionManager> {
  const { spec } = honest;
  const current = { embed: honest.embed };
  const manager = await EmbeddingVersionManager.open({
    dbPath: ':memory:',
    embedders: [{ spec, embed: (texts, o) => current.embed(texts, o) }],
  });
  onTestFinished(() => manager.close());
  await manager.registerModel(spec.toJSON());
  current.embed = embed;
  return manager;
}

const seeds = Array.from({ length: 20 }, (_, seed) => seed);

describe.each(Object.entries(honestOnes))('the witness of %s', (_, honest) => {
  const { modelId, version } = honest.spec;

  it.each(Object.entries(sabotages))('catches %s, over twenty seeds', async (_name, sabotage) => {
    const manager = await now(honest, (texts, o) => broken.embed(texts, o));
    const broken = { embed: honest.embed };
    for (const seed of seeds) {
      broken.embed = sabotage(honest, chance(seed));
      const error: unknown = await manager
        .checkWitness({ modelId, version })
        .catch((thrown: unknown) => thrown);
      expect(isRegistryError(error, 'MODEL_DRIFTED'), `seed ${seed}: ${JSON.stringify(error)}`).toBe(true);
    }
    broken.embed = honest.embed;
    expect((await manager.checkWitness({ modelId, version })).similarity).toBe(1);
  });

  it.each(Object.entries(noise))('passes where there is %s, over twenty seeds', async (_name, noisy) => {
    const manager = await now(honest, (texts, o) => noised.embed(texts, o));
    const noised = { embed: honest.embed };
    for (const seed of seeds) {
      noised.embed = remade(honest, noisy(chance(seed)));
      const report = await manager.checkWitness({ modelId, version });
      expect([report.state, report.texts], `seed ${seed}`).toEqual(['agrees', 7]);
    }
  });
});
