/** How long things wait. All times in milliseconds; every pause is spread by chance, so that workers do not march in step. */
import type { Clock } from '../clock.ts';

const MINUTE_MS = 60_000;
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;
const SHORTEST_PAUSE_MS = 1_000;
/** A conflict this often in a row makes a dead letter. */
export const CONFLICTS_AT_MOST = 10;

/** Before attempt `attempts + 1` of a node: 1 s doubled each time, 5 min at most, minus up to half of it. */
export function backoffMs(attempts: number, clock: Pick<Clock, 'random'>): number {
  const whole = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(attempts, 30));
  return Math.round(whole * (1 - clock.random() / 2));
}

/**
 * How long a plan is held: what the server asked for, else as long as it has been held so far, which doubles
 * the pause from probe to probe; 1 s to 5 min.
 */
export function holdMs(
  o: { heldForMs: number; retryAfterMs?: number | undefined },
  clock: Pick<Clock, 'random'>,
): number {
  // Zero, or what is no number, would ask again and again without a pause.
  if (o.retryAfterMs !== undefined && Number.isFinite(o.retryAfterMs))
    return Math.max(SHORTEST_PAUSE_MS, Math.ceil(o.retryAfterMs));
  const whole = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, o.heldForMs));
  return Math.round(whole * (1 + clock.random() / 10));
}

/** A lease that was not renewed for this long may be taken by others. */
export const LEASE_MS = 30_000;
