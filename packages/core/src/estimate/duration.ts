import type { PlanSettings } from '../model/plan.ts';
import type { Embedder } from '../ports/embedder.ts';
import { restMs } from '../worker/lane-rest.ts';
import type { Estimate } from './figures.ts';
import type { Speed } from './speed.ts';

/** What a node costs beside its embedding: it is read, backed up, written and settled; times what reading it took. */
const STORE_SHARES = { low: 1, value: 4, high: 15 };
/** How far a run strays from what a dozen texts say of the embedder: the machine may have been busy just then, or only then. */
const EMBEDDING_SHARES = { low: 0.4, value: 1, high: 1.8 };

/** A batch waits for the disk twice, one batch after the other: from a quick disk to one that others use too. */
const SECONDS_OF_SYNCS = { low: 0.004, value: 0.02, high: 0.3 };

/** Seconds that a plan takes at this pace, where nothing else holds it back: a rate limit is not foreseen. */
export function durationOf(o: {
  readonly nodes: number;
  /** Texts that have to be embedded. */
  readonly texts: Estimate;
  readonly speed: Speed;
  readonly readSeconds: number;
  readonly pace: PlanSettings;
  readonly limits: Embedder['limits'];
}): Estimate {
  const { nodes, texts, pace, limits } = o;
  if (nodes === 0) return { value: 0, low: 0, high: 0, basis: 'exact' };
  const batches = Math.ceil(nodes / pace.batchSize);
  const lanes = Math.min(pace.maxParallelWorkers, batches);
  const calling = Math.min(lanes, limits?.concurrency ?? lanes);
  const { secondsPerCall, secondsPerText, gainOfTwo } = o.speed;
  const gains = { low: gainOfTwo.high, value: gainOfTwo.value, high: gainOfTwo.low };
  const seconds = (which: 'low' | 'value' | 'high') => {
    const gain = 1 + (calling - 1) * (gains[which] - 1);
    const perBatch = texts[which] / batches;
    const calls = perBatch === 0 ? 0 : Math.ceil(perBatch / (limits?.texts ?? Number.POSITIVE_INFINITY) || 1);
    const embedding =
      (calls * secondsPerCall[which] + perBatch * secondsPerText[which]) * EMBEDDING_SHARES[which];
    const storing = (o.readSeconds / batches) * STORE_SHARES[which];
    // Lanes share what the embedder and the store can do.
    const work = (embedding * lanes) / gain + storing * lanes;
    const syncing = batches * SECONDS_OF_SYNCS[which];
    return syncing + Math.ceil(batches / lanes) * (work + restMs(pace, work * 1000) / 1000);
  };
  return { value: seconds('value'), low: seconds('low'), high: seconds('high'), basis: 'sampled' };
}
