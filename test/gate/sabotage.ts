/** Embedders that go wrong in the ways that embedders do, and honest ones that remember what they made. */
import { type Embedder, EmbeddingModelSpec, type Vector } from '@registry/core';

type Purpose = 'document' | 'query';

/** The same vectors, each made once: a suite embeds the same texts hundreds of times. */
export function remembering(embedder: Embedder): Embedder {
  const known = new Map<string, Vector>();
  return {
    spec: embedder.spec,
    async embed(texts, options) {
      const key = (text: string) => `${options.purpose} ${text}`;
      const missing = texts.filter((text) => !known.has(key(text)));
      const made = await embedder.embed(missing, options);
      for (const [index, text] of missing.entries()) known.set(key(text), made[index]!);
      return texts.map((text) => known.get(key(text))!);
    },
  };
}

/** The same vectors under the next version of its id. */
export function nextVersion(embedder: Embedder): Embedder {
  const spec = new EmbeddingModelSpec({ ...embedder.spec.toJSON(), version: embedder.spec.version + 1 });
  return { ...embedder, spec };
}

function altered(embedder: Embedder, text: (text: string, purpose: Purpose) => string): Embedder {
  return {
    spec: embedder.spec,
    embed: (texts, options) =>
      embedder.embed(
        texts.map((one) => text(one, options.purpose)),
        options,
      ),
  };
}

function changed(embedder: Embedder, vector: (vector: Vector, purpose: Purpose) => Vector): Embedder {
  return {
    spec: embedder.spec,
    embed: async (texts, options) =>
      (await embedder.embed(texts, options)).map((one) => vector(one, options.purpose)),
  };
}

const instruction =
  'Instruct: Given a web search query, retrieve relevant passages that answer the query, and rank the passages by how well they answer it.\nQuery: ';

/** A prefix that no query was meant to have. */
export const prefixedQueries = (embedder: Embedder) =>
  altered(embedder, (text, purpose) => (purpose === 'query' ? `${instruction}${text}` : text));

/** The same before documents. */
export const prefixedDocuments = (embedder: Embedder) =>
  altered(embedder, (text, purpose) => (purpose === 'document' ? `${instruction}${text}` : text));

/** Elements (bits) of documents in another order than those of queries. */
export const shuffledDimensions = (embedder: Embedder) =>
  changed(embedder, (vector, purpose) => (purpose === 'document' ? shuffled(vector, 7) : vector));

/** One order for both is another basis of the same space: nothing is lost. */
export const sameShuffle = (embedder: Embedder) => changed(embedder, (vector) => shuffled(vector, 7));

/** A new order with each call, as a map without an order gives. */
export function shuffledEachCall(embedder: Embedder): Embedder {
  let calls = 0;
  return {
    spec: embedder.spec,
    embed: async (texts, options) => {
      const seed = 1 + (calls++ % 32);
      return (await embedder.embed(texts, options)).map((vector) => shuffled(vector, seed));
    },
  };
}

export function constant(embedder: Embedder): Embedder {
  const one = embedder.embed(['the same for every text'], { purpose: 'document' });
  return changed(
    {
      spec: embedder.spec,
      embed: async (texts) => Promise.all(texts.map(async () => (await one)[0]!.slice())),
    },
    (vector) => vector,
  );
}

/** Only the first characters are looked at. */
export const truncated = (embedder: Embedder) =>
  altered(embedder, (text) => text.slice(0, 80).toWellFormed());

/** Fisher and Yates, by a fixed stride that a linear congruence draws. */
const orders = new Map<string, readonly number[]>();

function orderOf(count: number, seed: number): readonly number[] {
  const key = `${count}:${seed}`;
  const known = orders.get(key);
  if (known !== undefined) return known;
  const order = Array.from({ length: count }, (_, index) => index);
  let state = seed;
  for (let index = count - 1; index > 0; index--) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    const other = state % (index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  if (orders.size < 64) orders.set(key, order);
  return order;
}

function shuffled(vector: Vector, seed: number): Vector {
  const bits = vector instanceof Uint8Array;
  const count = bits ? vector.length * 8 : vector.length;
  const order = orderOf(count, seed);
  const to = bits ? new Uint8Array(vector.length) : new Float32Array(count);
  for (const [index, from] of order.entries())
    if (bits) to[index >> 3]! |= ((vector[from >> 3]! >> (7 - (from & 7))) & 1) << (7 - (index & 7));
    else to[index] = vector[from]!;
  return to;
}
