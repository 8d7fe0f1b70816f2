import { RegistryError } from '@registry/core';
import { afterAll, describe, it } from 'vitest';
import { forgetBeginnings, killAt, pointsOf, type Story, throwAt } from './interrupted.ts';
import { changing, every, failing, some } from './selection.ts';
import { activation, creation, forwardInTwoLanes, splitting, stories } from './stories.ts';

const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));
afterAll(() => forgetBeginnings(...stories));

const busy = () => new RegistryError('DATABASE_LOCKED', 'Somebody else writes.');
const broken = () => new TypeError('The store has a fault.');

describe.each(runs)('$story.name', ({ story, points }) => {
  describe('killed', () => {
    it.for(changing(points))('%s', (name) => killAt(story, name));
  });

  // A creation belongs to no worker that could be found dead: it is waited for.
  if (!isCreation(story))
    describe('killed, and found dead at once', () => {
      const lasting = failing(points).filter((name) => /(claim|backUp|write|settle|scan) /.test(name));
      it.for(every(2, lasting))('%s', (name) => killAt(story, name, () => true));
    });

  // What a failed call does is the same in the other plays of a migration: they take every third.
  const isVariant = story === forwardInTwoLanes || story === splitting;
  describe('failing once', () => {
    it.for(every(isVariant ? 3 : 1, failing(points)))('%s', (name) => throwAt(story, name, busy));
  });

  describe('failing in a way nobody foresaw', () => {
    it.for(some(points))('%s', (name) => throwAt(story, name, broken));
  });
});

function isCreation(story: Story): boolean {
  return story === creation || story === activation;
}
