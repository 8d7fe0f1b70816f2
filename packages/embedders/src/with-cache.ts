import { createHash } from 'node:crypto';
import {
  type Clock,
  type Embedder,
  EmbedderError,
  type EmbeddingModelSpec,
  type Logger,
  parseOptions,
  reasonOf,
  silentLogger,
  systemClock,
  type Vector,
  vectorBytes,
  vectorFault,
  vectorFits,
  vectorOfBytes,
} from '@registry/core';
import { z } from 'zod';
import { orAbort } from './adapters/or-abort.ts';
import type { VectorCache } from './sqlite/vector-cache.ts';

/** Options of {@link withCache}. */
export interface WithCacheOptions {
  /** A file of the cache's own; several processes may share it. */
  readonly path: string;
  /** About how large the file may grow; 1 GiB unless told. What was not asked for longest goes first. */
  readonly maxBytes?: number;
  /** Told when the file could not be written, or held a damaged vector. */
  readonly logger?: Logger;
  readonly nativeBinding?: string;
  readonly clock?: Clock;
}

/** An embedder with a cache, to be disposed of when it is done with. */
export interface CachedEmbedder extends Embedder, AsyncDisposable {}

const mebibyte = 2 ** 20;
const schema = z.strictObject({
  path: z.string().min(1, 'must not be empty'),
  maxBytes: z
    .int()
    .min(mebibyte, `must be at least ${mebibyte}`)
    .default(1024 * mebibyte),
  logger: z.custom<Logger>().default(silentLogger),
  nativeBinding: z.string().optional(),
  clock: z.custom<Clock>().default(systemClock),
});

/**
 * Puts a cache before an embedder: the same text is not embedded twice by the same model. Vectors are kept in a
 * SQLite file by the specification's id, version and checksum and the text's hash, byte for byte; errors never.
 * A call that is to be fresh goes past it. Queries are kept where the embedder says what their vectors depend on, as the adapters of this package do.
 * A file that cannot be opened is a fatal error; one that cannot be written costs only the saving.
 * @throws RegistryError `SPEC_INVALID`
 */
export function withCache(
  embedder: Embedder & { readonly queryChecksum?: string },
  options: WithCacheOptions,
): CachedEmbedder {
  const o = parseOptions(schema, options, 'options of withCache');
  const cached = new CachingEmbedder(embedder, o);
  const { spec, limits, queryChecksum } = embedder;
  return Object.freeze({
    spec,
    ...(limits && { limits }),
    ...(queryChecksum !== undefined && { queryChecksum }),
    ...(embedder.countTokens && { countTokens: (texts: readonly string[]) => embedder.countTokens!(texts) }),
    cached: (texts, { purpose }) => cached.cached(texts, purpose),
    embed: (texts, call) => cached.embed(texts, call),
    [Symbol.asyncDispose]: () => cached.close(),
  } satisfies CachedEmbedder & { queryChecksum?: string });
}

type CallOptions = Parameters<Embedder['embed']>[1];
/** A call that tells when somebody has to be asked, and so may be paid. */
type WatchedCall = CallOptions & { readonly onAsked: () => void };

/** A text that is wanted, by its key in hexadecimal. */
type Wanted = ReadonlyMap<string, { readonly key: Buffer; readonly text: string }>;

class CachingEmbedder {
  readonly #embedder: Embedder & { readonly queryChecksum?: string };
  readonly #options: z.output<typeof schema>;
  /** Vectors that calls under way are at; undefined when such a call came to nothing. */
  readonly #underWay = new Map<string, Promise<Vector | undefined>>();
  #opening: Promise<VectorCache> | undefined;

  constructor(embedder: Embedder & { readonly queryChecksum?: string }, options: z.output<typeof schema>) {
    this.#embedder = embedder;
    this.#options = options;
  }

  /** A cache that cannot be read has nothing; `embed` says why. */
  async cached(texts: readonly string[], purpose: CallOptions['purpose']): Promise<readonly boolean[]> {
    const checksum = this.#checksum(purpose);
    if (checksum === undefined || texts.length === 0) return texts.map(() => false);
    try {
      const cache = await this.#open();
      return await cache.has(texts.map((text) => keyOf(this.#embedder.spec, checksum, text)));
    } catch {
      return texts.map(() => false);
    }
  }

  #checksum(purpose: CallOptions['purpose']): string | undefined {
    return purpose === 'document' ? this.#embedder.spec.checksum : this.#embedder.queryChecksum;
  }

  async embed(texts: readonly string[], call: CallOptions): Promise<readonly Vector[]> {
    call.signal?.throwIfAborted();
    const { spec } = this.#embedder;
    const checksum = this.#checksum(call.purpose);
    if (checksum === undefined || texts.length === 0 || call.fresh) return this.#embedder.embed(texts, call);
    const cache = await this.#open();
    const keys = texts.map((text) => keyOf(spec, checksum, text));
    const names = keys.map((key) => key.toString('hex'));
    const wanted: Wanted = new Map(
      names.map((name, index) => [name, { key: keys[index]!, text: texts[index]! }]),
    );
    const found = new Map<string, Vector>();
    let isAsked = false;
    const onAsked = () => {
      isAsked = true;
    };
    while (found.size < wanted.size) await this.#gather(cache, wanted, found, { ...call, onAsked });
    if (!isAsked) call.onBilled?.(0);
    // Each its own: a vector is the caller's to change.
    return names.map((name) => found.get(name)!.slice());
  }

  async close(): Promise<void> {
    const cache = await this.#opening?.catch(() => undefined);
    cache?.close();
  }

  /** One that failed to open is tried again: somebody may have moved the file away. */
  async #open(): Promise<VectorCache> {
    const { path, maxBytes, nativeBinding, clock } = this.#options;
    this.#opening ??= import('./sqlite/vector-cache.ts').then(({ VectorCache }) =>
      VectorCache.open({ path, maxBytes, nativeBinding, clock }),
    );
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      const { message } = reasonOf(error, 'DATABASE_UNAVAILABLE');
      throw new EmbedderError('fatal', `The cache of vectors cannot be opened. ${message}`, { cause: error });
    }
  }

  /** Looks up and embeds what no other call is at already, then takes what the others have of the rest. */
  async #gather(
    cache: VectorCache,
    wanted: Wanted,
    found: Map<string, Vector>,
    call: WatchedCall,
  ): Promise<void> {
    call.signal?.throwIfAborted();
    const missing = [...wanted.keys()].filter((name) => !found.has(name));
    const theirs = missing.flatMap((name) => {
      const other = this.#underWay.get(name);
      return other === undefined ? [] : [{ name, other }];
    });
    const mine = missing.filter((name) => !this.#underWay.has(name));
    for (const [name, vector] of await this.#claim(mine, () => this.#obtain(cache, mine, wanted, call)))
      found.set(name, vector);
    for (const { name, other } of theirs) {
      const vector = await orAbort(other, call.signal);
      if (vector !== undefined) found.set(name, vector);
    }
  }

  /** While the work is under way, other calls wait for it rather than pay again. */
  async #claim(
    names: readonly string[],
    start: () => Promise<ReadonlyMap<string, Vector>>,
  ): Promise<ReadonlyMap<string, Vector>> {
    if (names.length === 0) return new Map();
    const work = start();
    for (const name of names)
      this.#underWay.set(
        name,
        work.then(
          (vectors) => vectors.get(name),
          () => undefined,
        ),
      );
    try {
      return await work;
    } finally {
      for (const name of names) this.#underWay.delete(name);
    }
  }

  async #obtain(
    cache: VectorCache,
    names: readonly string[],
    wanted: Wanted,
    { onAsked, ...call }: WatchedCall,
  ): Promise<ReadonlyMap<string, Vector>> {
    const vectors = await this.#lookUp(cache, names, wanted);
    const missing = names.filter((name) => !vectors.has(name));
    if (missing.length === 0) return vectors;
    const texts = missing.map((name) => wanted.get(name)!.text);
    onAsked();
    const made = await this.#embedder.embed(texts, call);
    if (made.length !== texts.length)
      throw new EmbedderError(
        'refused',
        `The embedder returned ${made.length} vectors for ${texts.length} texts.`,
      );
    await this.#keep(cache, missing, wanted, made);
    for (const [index, name] of missing.entries()) vectors.set(name, made[index]!);
    return vectors;
  }

  async #lookUp(cache: VectorCache, names: readonly string[], wanted: Wanted): Promise<Map<string, Vector>> {
    const found = new Map<string, Vector>();
    const { spec } = this.#embedder;
    await this.#saving('read', async () => {
      const { vectors, damaged } = await cache.get(names.map((name) => wanted.get(name)!.key));
      for (const [index, name] of names.entries()) {
        const bytes = vectors[index];
        const vector = bytes && vectorOfBytes(bytes, spec.datatype);
        if (vector !== undefined && vectorFits(vector, spec)) found.set(name, vector);
      }
      if (damaged === 0) return;
      const { path } = this.#options;
      this.#options.logger.warn('damaged vectors in the cache are made again', { path, damaged });
    });
    return found;
  }

  async #keep(
    cache: VectorCache,
    names: readonly string[],
    wanted: Wanted,
    vectors: readonly Vector[],
  ): Promise<void> {
    const entries = names.flatMap((name, index) => {
      const vector = vectors[index]!;
      const isSound = vectorFault(vector, this.#embedder.spec) === undefined;
      return isSound ? [[wanted.get(name)!.key, vectorBytes(vector)] as const] : [];
    });
    if (entries.length > 0) await this.#saving('written', () => cache.put(entries));
  }

  /** What was paid for is not lost because it cannot be kept. */
  async #saving(what: 'read' | 'written', work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.warn(`the cache of vectors could not be ${what}`, {
        ...reasonOf(error, 'DATABASE_UNAVAILABLE'),
      });
    }
  }
}

/** Id and version count too: a version is raised when the same configuration makes other vectors. */
function keyOf(spec: EmbeddingModelSpec, checksum: string, text: string): Buffer {
  const { modelId, version, dimension, datatype } = spec;
  return createHash('sha256')
    .update(JSON.stringify([modelId, version, checksum, dimension, datatype]))
    .update('\n')
    .update(text, 'utf16le')
    .digest();
}
