import type { Strategy } from '@registry/core';
import { describe, it } from 'vitest';
import { isWhole } from '../crash/selection.ts';
import { storm } from './storm.ts';

const strategies: readonly Strategy[] = ['shadow', 'namedVector', 'inPlace'];
const seeds = Array.from({ length: isWhole ? 40 : 1 }, (_, index) => 1 + index);

// A storm takes some ten seconds: one of them, unless CRASH_MATRIX=full asks for all.
describe.each(isWhole ? strategies : strategies.slice(1, 2))('a %s migration in a storm', (strategy) => {
  it.for(seeds)('of seed %i', { timeout: 600_000 }, (seed) => storm(strategy, seed));
});
