import { createHash } from 'node:crypto';
import { computeChecksum } from '../model/checksum.ts';
import { EmbeddingModelSpec } from '../model/model-spec.ts';
import { type Datatype, type Distance, type Vector, vectorLength } from '../model/vector.ts';
import { witnessTexts } from '../model/witness-texts.ts';
import type { Embedder } from '../ports/embedder.ts';

/** One call of `embed`, as {@link testEmbedder} saw it. */
export interface EmbedderCall {
  /** 0 for the first call. */
  readonly index: number;
  readonly texts: readonly string[];
  readonly purpose: 'document' | 'query';
  readonly signal: AbortSignal | undefined;
  /** Where the caller wants to know what was billed. */
  readonly onBilled: ((tokens: number) => void) | undefined;
}

/**
 * Runs within a call, before its vectors are made. It may throw, wait on a promise, or return what `embed`
 * is to return instead (anything, also what is wrong); undefined stands for the right vectors.
 */
export type EmbedderHook = (texts: readonly string[], call: EmbedderCall) => unknown;

/** The model a test embedder stands for, and how it behaves. */
export interface TestEmbedderOptions {
  /** The whole specification; else it is made of the next fields. */
  spec?: EmbeddingModelSpec;
  /** `test-model` unless told. */
  modelId?: string;
  /** 1 unless told. */
  version?: number;
  /** 16 unless told. */
  dimension?: number;
  /** Of id, version and dimension unless told. */
  checksum?: string;
  datatype?: Datatype;
  distance?: Distance;
  limits?: Embedder['limits'];
  onCall?: EmbedderHook;
  /** As `onCall`, for the texts of a witness. */
  onWitness?: EmbedderHook;
  /** Waits for its hook even when the signal aborts, as a careless client would. */
  ignoresSignal?: boolean;
  /** Adds `countTokens`: one token per word. `exact` as given. */
  countsTokens?: { exact: boolean };
}

/** An embedder for tests. It needs nothing, and its vectors can be told in advance: {@link expectedVector}. */
export interface TestEmbedder extends Embedder {
  /** Every call so far, also those that failed. */
  readonly calls: readonly EmbedderCall[];
  /** Every text so far, in order. */
  readonly textsSeen: readonly string[];
  /** Calls for the texts of a witness: they are no work on nodes, and stand apart. */
  readonly witnessCalls: readonly EmbedderCall[];
  /** May be changed between calls. */
  onCall: EmbedderHook | undefined;
  /** The same for calls for a witness, which `onCall` does not hear of. */
  onWitness: EmbedderHook | undefined;
}

/**
 * An embedder whose vectors are a pure function of its specification and the text; it records its calls, and
 * a hook scripts its faults.
 */
export function testEmbedder(options: TestEmbedderOptions = {}): TestEmbedder {
  const spec = options.spec ?? specOf(options);
  const calls: EmbedderCall[] = [];
  const witnessCalls: EmbedderCall[] = [];
  const embedder: TestEmbedder = {
    spec,
    calls,
    witnessCalls,
    onCall: options.onCall,
    onWitness: options.onWitness,
    get textsSeen() {
      return calls.flatMap((call) => call.texts);
    },
    ...(options.limits && { limits: options.limits }),
    ...(options.countsTokens && { countTokens: wordCounter(options.countsTokens.exact) }),
    async embed(texts, { purpose, signal, onBilled }) {
      const isWitness = texts.length > 0 && texts.every((text) => witnessTexts.includes(text));
      const made = isWitness ? witnessCalls : calls;
      const call: EmbedderCall = { index: made.length, texts: [...texts], purpose, signal, onBilled };
      made.push(call);
      const heeded = options.ignoresSignal ? undefined : signal;
      heeded?.throwIfAborted();
      const answer = await orAbort(answerOf(isWitness ? embedder.onWitness : embedder.onCall, call), heeded);
      heeded?.throwIfAborted();
      if (answer !== undefined) return answer as readonly Vector[];
      return call.texts.map((text) => expectedVector(spec, text));
    },
  };
  return embedder;
}

async function answerOf(hook: EmbedderHook | undefined, call: EmbedderCall): Promise<unknown> {
  return hook?.(call.texts, call);
}

/**
 * The vector that {@link testEmbedder} makes of a text under this specification: SHAKE-256 of both, as
 * packed bits, or as 16-bit steps in (-1, 1) that float32 holds exactly. Never all zero.
 */
export function expectedVector(spec: EmbeddingModelSpec, text: string): Vector {
  const length = vectorLength(spec);
  const isBits = spec.datatype === 'bit';
  const bytes = createHash('shake256', { outputLength: isBits ? length : length * 2 })
    .update(JSON.stringify([spec.toJSON(), text]))
    .digest();
  if (!isBits)
    return Float32Array.from({ length }, (_, index) => (bytes.readUInt16LE(index * 2) + 0.5) / 32768 - 1);
  const vector = new Uint8Array(bytes);
  // Bits past the dimension stay 0; the first bit keeps a short vector from being all zero.
  vector[length - 1]! &= 0xff << (length * 8 - spec.dimension);
  vector[0]! |= 0x80;
  return vector;
}

function specOf(options: TestEmbedderOptions): EmbeddingModelSpec {
  const { modelId = 'test-model', version = 1, dimension = 16, datatype, distance } = options;
  return new EmbeddingModelSpec({
    modelId,
    version,
    dimension,
    checksum: options.checksum ?? computeChecksum({ modelId, version, dimension }),
    ...(datatype && { datatype }),
    ...(distance && { distance }),
  });
}

function wordCounter(exact: boolean): NonNullable<Embedder['countTokens']> {
  return async (texts) => ({ tokens: texts.map((text) => text.match(/\S+/g)?.length ?? 0), exact });
}

/** Waits for the promise, but no longer than until the signal aborts. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
