/**
 * Real processes, really killed.
 *
 * `pnpm chaos`                           two dozen kills: half of them by a fixed seed, half by one of chance
 * `pnpm chaos --seed N [--kills K]`      the round of this seed, and those after it until there were so many kills
 * `pnpm chaos --minutes M [--seed N]`    for so long, and how several workers share a plan
 * `--nodes N`, `--folder PATH`: how many nodes a round has, and where its files are.
 * `--sabotage NAME`: every worker leaves out a guard, and the run has to fail.
 */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { type Sabotage, sabotages } from './sabotage.ts';
import { measureSharing } from './sharing.ts';
import { Tally } from './tally.ts';

const FIXED_SEED = 1;
const SHORT_KILLS = 12;
const KILLS_OF_A_PHASE = 8;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    kills: { type: 'string' },
    minutes: { type: 'string' },
    nodes: { type: 'string', default: '200' },
    folder: { type: 'string', default: tmpdir() },
    sabotage: { type: 'string' },
  },
});
const { minutes, folder, sabotage } = values;
const chosen = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const isShort = values.seed === undefined && minutes === undefined;
const totalKills = Number(values.kills ?? (minutes === undefined ? SHORT_KILLS : Number.POSITIVE_INFINITY));
if (sabotage !== undefined && !(sabotage in sabotages))
  throw new RangeError(`There is no sabotage ${sabotage}; there are ${Object.keys(sabotages).join(', ')}.`);

const startedAt = Date.now();
const secondsSoFar = () => ((Date.now() - startedAt) / 1_000).toFixed(0);
for (const seed of isShort ? [FIXED_SEED, chosen] : [chosen]) {
  process.exitCode ||= (await survives(seed)) ? 0 : 1;
}
if (minutes !== undefined && process.exitCode === 0) {
  const ratios = await measureSharing(folder);
  const told = ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  console.log(`three workers on one plan by one of them, in three rounds: ${told} times its rate`);
}

async function survives(seed: number): Promise<boolean> {
  const tally = new Tally();
  let last = seed;
  const isSound = await runCampaign(
    {
      seed,
      totalKills,
      endsAt: minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + Number(minutes) * 60_000,
      parent: folder,
      nodes: Number(values.nodes),
      kills: KILLS_OF_A_PHASE,
      sabotage: sabotage as Sabotage | undefined,
      onRound(round) {
        last = round;
        console.log(`round of seed ${round}, after ${tally.sum('killed')} kills and ${secondsSoFar()} s`);
      },
    },
    tally,
  ).then(
    () => true,
    (error: unknown) => {
      console.error(error);
      console.error(`Repeat with: pnpm chaos --seed ${last} --nodes ${values.nodes}`);
      return false;
    },
  );
  console.log(tally.lines().join('\n'));
  const recovery = (tally.longestRecoveryMs / 1_000).toFixed(1);
  console.log(
    `${tally.sum('killed')} kills, ${tally.sum('frozen')} freezes; longest from a kill to the next settled task: ${recovery} s on the clock of the run`,
  );
  return isSound;
}
