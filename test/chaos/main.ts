/**
 * `pnpm chaos [--seed N] [--kills K | --minutes M] [--nodes N] [--folder PATH] [--sabotage NAME]`: real processes,
 * really killed. Prints its seed first, and what happened last.
 */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { type Sabotage, sabotages } from './sabotage.ts';
import { Tally } from './tally.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    kills: { type: 'string' },
    minutes: { type: 'string' },
    nodes: { type: 'string', default: '240' },
    folder: { type: 'string', default: tmpdir() },
    sabotage: { type: 'string' },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const { minutes, sabotage } = values;
const totalKills = Number(values.kills ?? (minutes === undefined ? 24 : Number.POSITIVE_INFINITY));
if (sabotage !== undefined && !(sabotage in sabotages))
  throw new RangeError(`There is no sabotage ${sabotage}; there are ${Object.keys(sabotages).join(', ')}.`);

const tally = new Tally();
const startedAt = Date.now();
let lastSeed = seed;
console.log(`seed ${seed}`);
try {
  await runCampaign(
    {
      seed,
      totalKills,
      endsAt: minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + Number(minutes) * 60_000,
      parent: values.folder,
      nodes: Number(values.nodes),
      kills: 10,
      sabotage: sabotage as Sabotage | undefined,
      onRound(round) {
        lastSeed = round;
        console.log(`round of seed ${round}, after ${tally.sum('killed')} kills`);
      },
    },
    tally,
  );
} catch (error) {
  console.error(error);
  console.error(`Repeat with: pnpm chaos --seed ${lastSeed}`);
  process.exitCode = 1;
}
console.log(tally.lines().join('\n'));
console.log(
  `${tally.sum('killed')} kills, ${tally.sum('frozen')} freezes, longest recovery ${(tally.longestRecoveryMs / 1000).toFixed(1)} s of their time, ${((Date.now() - startedAt) / 1000).toFixed(0)} s of ours`,
);
