/** One side of a comparison: does its work once and answers units per second, or what else it measures. */
export type Side = () => Promise<number>;

/** What one side gave in every round, in the order of the rounds. */
export type Rounds = readonly number[];

/**
 * Measures all sides in turn, round by round, so that what the machine does besides falls on each of them
 * alike; every other round goes backwards.
 */
export async function alternate<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, Side>>,
): Promise<Record<Name, Rounds>> {
  const names = Object.keys(sides) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed()) measured[name].push(await sides[name]());
  return measured;
}

export function median(values: Rounds): number {
  return quantile(values, 0.5);
}

/** By linear interpolation between the two nearest values. */
export function quantile(values: Rounds, share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The ratio of each round: neighbours in time share the noise that rounds do not. */
export function ratios(values: Rounds, limits: Rounds): Rounds {
  return values.map((value, round) => value / (limits[round] ?? Number.NaN));
}

/** Seconds that `body` takes. */
export async function secondsOf(body: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await body();
  return (performance.now() - startedAt) / 1000;
}
