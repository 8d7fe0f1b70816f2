import assert from 'node:assert/strict';
import { embedderFailureOf, isRegistryError } from '../errors.ts';
import { EmbeddingModelSpec } from '../model/model-spec.ts';
import { type Vector, vectorBytes, vectorFault } from '../model/vector.ts';
import type { Embedder } from '../ports/embedder.ts';

/** One test of a contract: give `name` and `run` to any test runner. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What the contract needs to know of the embedder under test. */
export interface EmbedderContractOptions {
  /** Texts of the largest case, never more than the embedder's own limit; 300 unless told. */
  manyTexts?: number;
  /** Largest difference of an element between two vectors of one text; 0 unless told: the same bytes. */
  tolerance?: number;
}

type MakeEmbedder = () => Embedder | Promise<Embedder>;

const document = { purpose: 'document' } as const;
const sentences = [
  'The quick brown fox jumps over the lazy dog.',
  'A registry knows which model made which vector.',
  'Rollback puts every backup where it was, byte for byte.',
];
const scripts = [
  'naïve café, Straße, Ærøskøbing',
  'Быстрая лиса прыгает через собаку',
  '素早い茶色の狐 はのろまな犬を飛び越える',
  'الثعلب البني السريع',
  'e\u0301 combining and 👩‍🔬 joined 🎉 signs',
  'a\u0000b control\tand\r\nline breaks',
];
const wordless = ['', '   \n', '!!! … ---', '🎉'];

/**
 * What every {@link Embedder} keeps. `makeEmbedder` is called once per case.
 * @example for (const { name, run } of embedderContract(() => myEmbedder())) test(name, run);
 */
export function embedderContract(
  makeEmbedder: MakeEmbedder,
  options: EmbedderContractOptions = {},
): readonly ContractCase[] {
  const { manyTexts = 300, tolerance = 0 } = options;
  const cases: Record<string, (embedder: Embedder) => void | Promise<void>> = {
    'has a frozen, valid specification': checkSpec,
    'has limits of at least one': checkLimits,
    'gives one fitting vector per text, in order': (embedder) => checkOrder(embedder, tolerance),
    'gives no vector for no text': async (embedder) => {
      assert.deepEqual([...(await embedder.embed([], document))], []);
    },
    'gives equal texts equal vectors, however often': (embedder) => checkRepetition(embedder, tolerance),
    'gives vectors that are the caller’s to change': (embedder) => checkOwnership(embedder, tolerance),
    'embeds many texts': (embedder) => checkMany(embedder, manyTexts),
    'embeds every script': async (embedder) => {
      assertFitting(await embedInLimits(embedder, scripts), embedder, scripts.length);
    },
    'embeds a long text or refuses it': (embedder) => answersOrRefuses(embedder, 'long text '.repeat(20_000)),
    'embeds a text without words or refuses it': async (embedder) => {
      for (const text of wordless) await answersOrRefuses(embedder, text);
    },
    'accepts both purposes': checkPurposes,
    'keeps calls under way at once apart': (embedder) => checkConcurrency(embedder, tolerance),
    'rejects a call whose signal has aborted': checkAborted,
    'stops at an abort, and answers the next call': (embedder) => checkAbortUnderWay(embedder, manyTexts),
    'counts the tokens of each text, if any': checkTokens,
    'tells what was billed before the call ends, if anything': checkBilled,
    'says of each text whether it is at hand, if it can': checkCached,
  };
  return Object.entries(cases).map(([name, check]) => ({
    name,
    run: async () => check(await makeEmbedder()),
  }));
}

function checkSpec({ spec }: Embedder): void {
  assert.ok(Object.isFrozen(spec), 'the specification is not frozen');
  const again = new EmbeddingModelSpec(spec.toJSON());
  assert.equal(spec.equals(again), true);
  assert.equal(spec.qualifiedId, again.qualifiedId);
}

function checkLimits({ limits = {} }: Embedder): void {
  for (const [name, value] of Object.entries(limits))
    if (value !== undefined) assert.ok(Number.isInteger(value) && value >= 1, `limits.${name} is ${value}`);
}

async function checkOrder(embedder: Embedder, tolerance: number): Promise<void> {
  const together = await embedInLimits(embedder, sentences);
  assertFitting(together, embedder, sentences.length);
  for (const [index, sentence] of sentences.entries()) {
    const [alone] = await embedder.embed([sentence], document);
    assertSame(together[index]!, alone!, tolerance);
  }
  assert.notDeepEqual(together[0], together[1], 'different sentences have the same vector');
}

async function checkRepetition(embedder: Embedder, tolerance: number): Promise<void> {
  const texts = [sentences[0]!, sentences[1]!, sentences[0]!];
  const first = await embedInLimits(embedder, texts);
  const second = await embedInLimits(embedder, texts);
  assertSame(first[0]!, first[2]!, tolerance);
  for (const [index, vector] of first.entries()) assertSame(vector, second[index]!, tolerance);
}

async function checkOwnership(embedder: Embedder, tolerance: number): Promise<void> {
  const [vector] = await embedder.embed([sentences[0]!], document);
  const kept = vector!.slice();
  vector!.fill(0);
  const [again] = await embedder.embed([sentences[0]!], document);
  assertSame(kept, again!, tolerance);
}

async function checkMany(embedder: Embedder, count: number): Promise<void> {
  const texts = manyTexts(count);
  assertFitting(await embedInLimits(embedder, texts), embedder, texts.length);
}

async function checkPurposes(embedder: Embedder): Promise<void> {
  for (const purpose of ['document', 'query'] as const)
    assertFitting(await embedder.embed([sentences[0]!], { purpose }), embedder, 1);
}

async function checkConcurrency(embedder: Embedder, tolerance: number): Promise<void> {
  if (embedder.limits?.concurrency === 1) return;
  const both = await Promise.all([
    embedder.embed([sentences[0]!], document),
    embedder.embed([sentences[1]!], document),
  ]);
  for (const [index, vectors] of both.entries()) {
    const [alone] = await embedder.embed([sentences[index]!], document);
    assertSame(vectors[0]!, alone!, tolerance);
  }
}

async function checkAborted(embedder: Embedder): Promise<void> {
  const signal = AbortSignal.abort();
  await assert.rejects(async () => embedder.embed([sentences[0]!], { ...document, signal }));
}

async function checkAbortUnderWay(embedder: Embedder, count: number): Promise<void> {
  const controller = new AbortController();
  const texts = manyTexts(Math.min(count, embedder.limits?.texts ?? count));
  const call = embedder.embed(texts, { ...document, signal: controller.signal });
  controller.abort();
  // An embedder may have been done before the abort reached it, but then all of it is there.
  const vectors = await call.catch(() => undefined);
  if (vectors !== undefined) assertFitting(vectors, embedder, texts.length);
  assertFitting(await embedder.embed([sentences[0]!], document), embedder, 1);
}

async function checkTokens(embedder: Embedder): Promise<void> {
  if (embedder.countTokens === undefined) return;
  const { tokens, exact } = await embedder.countTokens(sentences);
  assert.equal(typeof exact, 'boolean');
  assert.equal(tokens.length, sentences.length);
  for (const count of tokens) assert.ok(Number.isInteger(count) && count > 0, `${count} tokens`);
  assert.deepEqual([...(await embedder.countTokens([])).tokens], []);
}

async function checkBilled(embedder: Embedder): Promise<void> {
  const billed: number[] = [];
  let hasEnded = false;
  const onBilled = (tokens: number) => {
    assert.equal(hasEnded, false, 'told after the call had ended');
    billed.push(tokens);
  };
  await embedder.embed([sentences[0]!, sentences[1]!], { ...document, onBilled });
  hasEnded = true;
  for (const tokens of billed) assert.ok(Number.isFinite(tokens) && tokens >= 0, `${tokens} tokens billed`);
}

/** What is at hand is not billed for. */
async function checkCached(embedder: Embedder): Promise<void> {
  if (embedder.cached === undefined) return;
  const texts = [sentences[0]!, sentences[1]!, sentences[0]!];
  const before = await embedder.cached(texts, document);
  assert.deepEqual([before.length, before[0]], [3, before[2]]);
  for (const isCached of before) assert.equal(typeof isCached, 'boolean');
  assert.deepEqual([...(await embedder.cached([], document))], []);
  await embedder.embed(texts, document);
  const after = await embedder.cached(texts, document);
  let billed = 0;
  const onBilled = (tokens: number) => {
    billed += tokens;
  };
  await embedder.embed(texts, { ...document, onBilled });
  if (after.every(Boolean)) assert.equal(billed, 0, 'billed for what is at hand');
}

async function answersOrRefuses(embedder: Embedder, text: string): Promise<void> {
  try {
    assertFitting(await embedder.embed([text], document), embedder, 1);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    assert.equal(embedderFailureOf(error), 'refused', error.message);
  }
}

async function embedInLimits(embedder: Embedder, texts: readonly string[]): Promise<readonly Vector[]> {
  const size = Math.max(1, embedder.limits?.texts ?? texts.length);
  const vectors: Vector[] = [];
  for (let start = 0; start < texts.length; start += size)
    vectors.push(...(await embedder.embed(Object.freeze(texts.slice(start, start + size)), document)));
  return vectors;
}

function manyTexts(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${sentences[index % sentences.length]} Number ${index}.`,
  );
}

function assertFitting(vectors: readonly Vector[], { spec }: Embedder, count: number): void {
  assert.equal(vectors.length, count);
  for (const vector of vectors) assert.equal(vectorFault(vector, spec), undefined);
}

function assertSame(a: Vector, b: Vector, tolerance: number): void {
  assert.equal(a.length, b.length);
  if (tolerance === 0) assert.deepEqual(vectorBytes(a), vectorBytes(b));
  for (const [index, element] of a.entries())
    assert.ok(Math.abs(element - b[index]!) <= tolerance, `element ${index}: ${element}, then ${b[index]}`);
}
