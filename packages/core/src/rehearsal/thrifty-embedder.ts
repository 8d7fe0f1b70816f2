import type { Clock } from '../clock.ts';
import type { EmbedderSet } from '../embedder-set.ts';
import { EmbedderError } from '../errors.ts';
import type { RegisteredModel } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';
import type { Embedder } from '../ports/embedder.ts';

/** What was made up, and what was paid. */
export interface Account {
  texts: number;
  rateLimits: number;
  /** From a made-up answer to the next call, and until processes were ready to work: these may overlap. */
  readonly idle: [fromMs: number, toMs: number][];
}

/** Milliseconds in which nothing was worked for what a rehearsal makes up. */
export function idleMs({ idle }: Pick<Account, 'idle'>): number {
  let [sum, until] = [0, Number.NEGATIVE_INFINITY];
  for (const [from, to] of [...idle].sort(([a], [b]) => a - b)) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}

interface Options {
  readonly embedders: EmbedderSet;
  readonly model: RegisteredModel;
  readonly clock: Clock;
  readonly account: Account;
  /** Calls of these numbers are answered "too many requests", without being made. */
  readonly refusedCalls: ReadonlySet<number>;
  /** Of the rehearsal: what it waits for then is of no use to anybody, and the call is left behind. */
  readonly signal: AbortSignal | undefined;
}

/** Counts calls, and throws at those that are refused. */
function callCounter({ refusedCalls, account, clock }: Options): () => void {
  let call = 0;
  let limitedAt: number | undefined;
  return () => {
    if (limitedAt !== undefined) account.idle.push([limitedAt, clock.now()]);
    limitedAt = undefined;
    call += 1;
    if (!refusedCalls.has(call)) return;
    account.rateLimits += 1;
    limitedAt = clock.now();
    throw new EmbedderError('rateLimited', 'Too many requests (made up by a rehearsal).', {
      retryAfterMs: 1,
    });
  };
}

/** Rejects once the signal aborts; nobody has to wait for it. */
function abortOf(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

/** An embedder that is handed each text once, however often a worker dies on it. */
export function thriftyEmbedder(options: Options): Embedder {
  const { embedders, model, account, signal } = options;
  const { embedder, calls } = embedders.get(model);
  const aborted = abortOf(signal);
  const known = new Map<string, Promise<Vector | undefined>>();
  // What a cache holds does not answer for what the model makes now.
  const keyOf = (text: string, o: Parameters<Embedder['embed']>[1]) =>
    `${o.purpose} ${o.fresh ?? false} ${text}`;

  /** Known from when it is asked for on: a worker that died has left its call behind, and it is paid. */
  function ask(texts: readonly string[], o: Parameters<Embedder['embed']>[1]): void {
    const missing = [...new Set(texts)].filter((text) => !known.has(keyOf(text, o)));
    if (missing.length === 0) return;
    account.texts += missing.length;
    // The calls of a worker of the real plan, in this process, have the same limit.
    const answer = calls.run(() =>
      embedder.embed(missing, {
        purpose: o.purpose,
        ...(o.fresh && { fresh: true }),
        ...(signal && { signal }),
      }),
    );
    for (const [index, text] of missing.entries()) {
      const key = keyOf(text, o);
      const vector = answer.then((vectors) =>
        vectors.length === missing.length ? vectors[index] : undefined,
      );
      vector.catch(() => known.delete(key));
      known.set(key, vector);
    }
  }

  const countCall = callCounter(options);
  return {
    spec: embedder.spec,
    ...(embedder.limits && { limits: embedder.limits }),
    ...(embedder.countTokens && { countTokens: (texts) => embedder.countTokens!(texts) }),
    async embed(texts, o) {
      signal?.throwIfAborted();
      countCall();
      ask(texts, o);
      const answers = Promise.all(texts.map((text) => known.get(keyOf(text, o))));
      const vectors = await Promise.race([answers, aborted]);
      // An answer of a wrong count is the worker's to refuse, so what is missing is left out.
      return vectors.filter((vector) => vector !== undefined);
    },
  };
}
