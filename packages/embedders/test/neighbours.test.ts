import { fileURLToPath } from 'node:url';
import type { Embedder, Vector } from '@registry/core';
import { expect, test } from 'vitest';
import { binaryHdv, hashedNgram } from '../src/index.ts';
import { readmeSections, type Section } from './readme-sections.ts';

const sections = readmeSections(fileURLToPath(new URL('../../../node_modules/.pnpm', import.meta.url)), 1200);

test.each<[string, Embedder]>([
  ['binaryHdv', binaryHdv()],
  ['hashedNgram', hashedNgram()],
])(
  '%s finds the nearest section in the same file at least 5 times as often as chance',
  async (_, embedder) => {
    expect(sections.length).toBeGreaterThan(500);
    const vectors = await embedder.embed(
      sections.map(({ text }) => text),
      { purpose: 'document' },
    );
    const nearness = embedder.spec.datatype === 'bit' ? commonBits : dotProduct;
    const hits = nearestOf(vectors, nearness).filter((nearest, index) =>
      isSameFile(sections, nearest, index),
    );
    expect(hits.length / sections.length).toBeGreaterThanOrEqual(5 * chanceOfSameFile(sections));
  },
);

/** The share of ordered pairs of different sections that come from one file. */
function chanceOfSameFile(all: readonly Section[]): number {
  const sizes = Map.groupBy(all, ({ file }) => file);
  const pairs = [...sizes.values()].reduce((sum, { length }) => sum + length * (length - 1), 0);
  return pairs / (all.length * (all.length - 1));
}

function isSameFile(all: readonly Section[], a: number, b: number): boolean {
  return all[a]!.file === all[b]!.file;
}

type Nearness = (a: Float32Array | Int32Array, b: Float32Array | Int32Array) => number;

function nearestOf(vectors: readonly Vector[], nearness: Nearness): number[] {
  const rows = vectors.map((vector) =>
    vector instanceof Float32Array
      ? vector
      : new Int32Array(vector.buffer, vector.byteOffset, vector.length / 4),
  );
  const best = rows.map(() => ({ index: -1, score: Number.NEGATIVE_INFINITY }));
  for (let left = 0; left < rows.length; left++)
    for (let right = 0; right < left; right++) {
      const score = nearness(rows[left]!, rows[right]!);
      if (score > best[left]!.score) best[left] = { index: right, score };
      if (score > best[right]!.score) best[right] = { index: left, score };
    }
  return best.map(({ index }) => index);
}

function dotProduct(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function commonBits(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let differing = 0;
  for (let index = 0; index < a.length; index++) {
    let bits = a[index]! ^ b[index]!;
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    differing += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return -differing;
}
