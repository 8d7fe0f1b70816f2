import type { Strategy } from '@registry/core';
import { afterAll, describe, it } from 'vitest';
import { forgetBeginnings, killAt, pointsOf } from './interrupted.ts';
import { changing } from './points.ts';
import { storiesOf } from './stories.ts';

const strategies: readonly Strategy[] = ['shadow', 'namedVector', 'inPlace'];
const stories = strategies.flatMap(storiesOf);
const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));
afterAll(() => forgetBeginnings(stories));

describe.each(runs)('$story.name, killed at the request', ({ story, points }) => {
  it.for(changing(points))('%s', (point) => killAt(story, point));
});
