import type { Strategy } from '@registry/core';
import type { Fault, When } from '@registry/qdrant-double';
import { afterAll, describe, it } from 'vitest';
import { failAt, forgetBeginnings, pointsOf } from './interrupted.ts';
import { failing } from './points.ts';
import { storiesOf } from './stories.ts';

const strategies: readonly Strategy[] = ['shadow', 'namedVector', 'inPlace'];
const stories = strategies.flatMap(storiesOf);
const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));
afterAll(() => forgetBeginnings(stories));

const kinds: readonly { name: string; fault: (when: When) => Fault }[] = [
  { name: 'the connection is reset', fault: (when) => ({ kind: 'reset', when }) },
  { name: '503', fault: (when) => ({ kind: 'status', status: 503, when }) },
  { name: '408', fault: (when) => ({ kind: 'status', status: 408, when }) },
  { name: '429 with Retry-After', fault: () => ({ kind: 'status', status: 429, retryAfterSeconds: 2 }) },
  { name: '429 without', fault: () => ({ kind: 'status', status: 429 }) },
  { name: 'wait_timeout', fault: () => ({ kind: 'waitTimeout' }) },
  { name: '202', fault: () => ({ kind: 'accepted' }) },
  { name: 'points that are deferred', fault: () => ({ kind: 'deferred' }) },
];

describe.each(runs)('$story.name', ({ story, points }) => {
  const cases = kinds.flatMap(({ name, fault }, kind) =>
    failing(points, kind, kinds.length).map((point) => ({
      point,
      fault: fault(point.when),
      toString: () => `${name} at ${point}`,
    })),
  );
  it.for(cases)('%s', ({ point, fault }) => failAt(story, point, fault));
});
