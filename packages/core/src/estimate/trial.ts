/**
 * How fast the target's embedder is, by a few calls with real texts: one to warm up, one of a single text, one of
 * several, and two at once.
 */
import type { ManagerContext } from '../context.ts';
import type { Reason } from '../errors.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { callEmbedder } from '../worker/embed-call.ts';
import { type Speed, speedOf, type TimedCall, type TimedCalls } from './speed.ts';

export interface Trial {
  readonly texts: number;
  readonly calls: number;
  /** Why it was broken off. */
  readonly problem?: Reason;
  readonly speed?: Speed;
}

type TrialContext = Pick<ManagerContext, 'embedders' | 'clock'>;

/** Embeds each text once. Does not throw but for a missing embedder. */
export async function tryEmbedder(
  { embedders, clock }: TrialContext,
  spec: EmbeddingModelSpec,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Trial> {
  const { limits } = embedders.get(spec).embedder;
  const [warm, single, many, ...pair] = split(texts, limits?.texts ?? Number.POSITIVE_INFINITY);
  let sent = 0;
  let calls = 0;
  const call = async (part: readonly string[]): Promise<TimedCall> => {
    signal?.throwIfAborted();
    sent += part.length;
    calls += 1;
    const from = clock.now();
    const result = await callEmbedder(part, { embedders, clock, spec, purpose: 'document', signal });
    if (result.kind !== 'answered') throw new Broken(result.reason);
    return { texts: part.length, seconds: Math.max(0, clock.now() - from) / 1000 };
  };
  try {
    if (warm === undefined) return { texts: 0, calls: 0 };
    const first = await call(warm);
    const alone = single && (await call(single));
    const together = many && (await call(many));
    const speed = speedOf({ warm: first, alone, many: together, pair: await callBoth(pair, call, clock) });
    return { texts: sent, calls, speed };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Broken) return { texts: sent, calls, problem: error.reason };
    throw error;
  }
}

class Broken extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.message);
    this.reason = reason;
  }
}

/** Each text in one part: one, one, a third of the rest and a bit, and two of equal size. */
function split(texts: readonly string[], most: number): readonly (readonly string[])[] {
  const rest = texts.length - 2;
  const pairSize = Math.max(0, Math.min(most, Math.floor(rest * 0.3)));
  const manySize = Math.max(0, Math.min(most, rest - 2 * pairSize));
  const cuts = [1, 1, manySize, pairSize, pairSize];
  let from = 0;
  return cuts.flatMap((size) => {
    const part = texts.slice(from, from + size);
    from += size;
    return part.length > 0 ? [part] : [];
  });
}

async function callBoth(
  pair: readonly (readonly string[])[],
  call: (part: readonly string[]) => Promise<TimedCall>,
  clock: TrialContext['clock'],
): Promise<TimedCalls['pair']> {
  const [one, other] = pair;
  if (one === undefined || other === undefined) return undefined;
  const from = clock.now();
  const each = await Promise.all([call(one), call(other)]);
  return { each, seconds: Math.max(0, clock.now() - from) / 1000 };
}
