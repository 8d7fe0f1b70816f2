import type { MigrationProgress } from '@registry/core';
import { duration, grouped, heldBack, rate, settledNodes } from './phrases.ts';
import { clip, harmless, widthOf } from './text.ts';

const LONGEST_BAR = 24;
const SHORTEST_BAR = 8;
/** A terminal writes ^C behind the line; on a line of its own it could not be taken away again. */
const SPARE_COLUMNS = 3;

/** `re-embedding ███░░░  43 %  1,210/3,261  92/s  0:23 left  throttled: 10 ms after each batch` in one line. */
export function progressLine(progress: MigrationProgress, columns: number): string {
  const { plan, nodesPerSecond, etaSeconds } = progress;
  const isBack = plan.status === 'rolling_back';
  const done = isBack ? plan.rolledBackNodes : settledNodes(plan);
  const total = isBack ? plan.completedNodes + plan.rolledBackNodes : plan.totalNodes;
  const share = total === 0 ? Number(plan.status === 'completed') : Math.min(1, done / total);
  const why = heldBack(progress);
  const reason = why === undefined ? '' : `  ${harmless(why)}`;
  const figures = [
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    `${grouped(done)}/${grouped(total)}`,
    ...(nodesPerSecond > 0 ? [rate(nodesPerSecond)] : []),
    ...(etaSeconds === undefined ? [] : [`${duration(etaSeconds)} left`]),
    ...(plan.failedNodes > 0 ? [`${grouped(plan.failedNodes)} failed`] : []),
  ].join('  ');
  const label = isBack ? 'rolling back' : 're-embedding';
  const room = columns - SPARE_COLUMNS - widthOf(label) - widthOf(figures) - 2;
  // Why it is slow is worth more than the bar.
  const cells = Math.min(LONGEST_BAR, room - widthOf(reason));
  const bar = cells < SHORTEST_BAR ? '' : barOf(share, cells);
  return clip(`${label} ${bar}${figures}${reason}`, columns - SPARE_COLUMNS);
}

function barOf(share: number, cells: number): string {
  const full = Math.round(share * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)} `;
}
