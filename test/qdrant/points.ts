import { isWhole } from '../crash/selection.ts';
import type { Point } from './interrupted.ts';

const reading = /^(root|get_|scroll_points|count_points|facet|query_|collection_exists|retrieve)/;

const SPREAD = 3;

/** Where a store is, is asked every second anew; the first of these is like all others. */
const repeated = /^(get_collection|get_collections_aliases|collection_exists)$/;

/** Points that differ from each other. */
export function steady(points: readonly Point[]): readonly Point[] {
  return points.filter(({ operation, index }) => index === 0 || !repeated.test(operation));
}

/** Requests that change something, once they did: before it everything is as after the request before. */
export function changing(points: readonly Point[]): readonly Point[] {
  if (isWhole) return steady(points);
  return points.filter(({ operation, when }) => when === 'after' && !reading.test(operation));
}

/**
 * Points at which a failure means something else: each change, before and after, and each read once. They are
 * dealt out to as many kinds of failure as there are; `kind` counts from 0. Of all that, every third.
 */
export function failing(points: readonly Point[], kind: number, kinds: number): readonly Point[] {
  if (isWhole) return steady(points);
  const changes = points.filter(({ operation }) => !reading.test(operation));
  const reads = steady(points).filter(({ operation, when }) => reading.test(operation) && when === 'before');
  return [...changes, ...reads].filter((_, index) => index % (SPREAD * kinds) === SPREAD * kind);
}
