import type { Strategy } from '@registry/core';
import type { SeenRequest } from '@registry/qdrant-double';
import { afterAll, describe, it } from 'vitest';
import { isWhole } from '../crash/selection.ts';
import type { PointId } from './application.ts';
import { forgetBeginnings, interfereAt, pointsOf } from './interrupted.ts';
import { steady } from './points.ts';
import { storiesOf } from './stories.ts';
import type { World } from './world.ts';

const strategies: readonly Strategy[] = ['shadow', 'namedVector', 'inPlace'];
// Once the old side is given up, nobody looks for what is written any more.
const stories = strategies.flatMap(storiesOf).filter(({ name }) => !name.includes('giving'));
const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));
afterAll(() => forgetBeginnings(stories));

const edits: readonly { name: string; edit: (world: World, id: PointId) => Promise<void> }[] = [
  { name: 'edits the text', edit: ({ application }, id) => application.edit(id, `another text of ${id}`) },
  { name: 'replaces the point', edit: ({ application }, id) => application.put(id, `new text of ${id}`) },
  { name: 'deletes it', edit: ({ application }, id) => application.remove(id) },
  {
    name: 'deletes it and makes it again',
    async edit({ application }, id) {
      await application.remove(id);
      await application.put(id, `made again as ${id}`);
    },
  },
  {
    name: 'edits it and edits it back',
    async edit({ application }, id) {
      const { text = '' } = application.contents.get(id) ?? {};
      await application.edit(id, `for a moment ${id}`);
      await application.put(id, text);
    },
  },
  { name: 'labels it', edit: ({ application }, id) => application.label(id, 'another kind') },
  { name: 'adds another point', edit: ({ application }, id) => application.put(1000, `beside ${id}`) },
];

const SPREAD = 4 * edits.length;

/** The first point that the request is about, else one of the middle. */
function pointIn({ body }: SeenRequest, { application }: World): PointId {
  const known = [...application.contents.keys()];
  const text = JSON.stringify(body) ?? '';
  return known.find((id) => new RegExp(`[[:,]${JSON.stringify(id)}[\\],}]`).test(text)) ?? 3;
}

describe.each(runs)('while $story.name goes on, the application', ({ story, points }) => {
  const cases = edits.flatMap(({ name, edit }, kind) => {
    const all = steady(points);
    // Each edit at other points, all over the run.
    const chosen = isWhole ? all : all.filter((_, at) => at % SPREAD === 4 * kind);
    return chosen.map((point) => ({ point, edit, toString: () => `${name} at ${point}` }));
  });
  it.for(cases)('%s', ({ point, edit }) =>
    interfereAt(story, point, (world, request) => edit(world, pointIn(request, world))),
  );
});
