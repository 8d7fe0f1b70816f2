/** Round after round, until there were enough kills or the time is over. */
import { Chance } from './chance.ts';
import { playRound, type RoundOptions } from './round.ts';
import type { Tally } from './tally.ts';

export interface CampaignOptions extends RoundOptions {
  readonly seed: number;
  /** Ends after the round with this kill. */
  readonly totalKills: number;
  /** Milliseconds since the epoch at which no other round begins. */
  readonly endsAt: number;
  readonly onRound: (seed: number) => void;
}

/** Every round has a seed of its own, which follows from the first. */
export async function runCampaign(o: CampaignOptions, tally: Tally): Promise<void> {
  let seed = o.seed;
  do {
    o.onRound(seed);
    await playRound(o, new Chance(seed), tally);
    seed = (seed + 1) % 2 ** 31;
  } while (tally.sum('killed') < o.totalKills && Date.now() < o.endsAt);
}
