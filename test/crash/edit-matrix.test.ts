import { afterAll, describe, it } from 'vitest';
import { forgetBeginnings, interfereAt, pointsOf } from './interrupted.ts';
import { assertRolledBack, assertSound } from './invariants.ts';
import { dealt, isWhole } from './selection.ts';
import { back, forward, forwardInTwoLanes, oneBack, sweep } from './stories.ts';
import { nodeAt, type World } from './world.ts';

const edits: readonly { name: string; edit: (world: World, nodeId: string) => Promise<void> }[] = [
  {
    name: 'embeds a new text with the old model',
    edit: ({ application }, id) => application.edit(id, `new text of ${id}`, 'a'),
  },
  {
    name: 'embeds a new text with the new model',
    edit: ({ application }, id) => application.edit(id, `new text of ${id}`, 'b'),
  },
  {
    name: 'changes the text alone',
    edit: ({ application }, id) => application.edit(id, `new text of ${id}`),
  },
  {
    name: 'changes the text and changes it back',
    async edit({ application }, id) {
      const content = application.contents.get(id)?.content ?? '';
      await application.edit(id, `new text of ${id}`);
      await application.edit(id, content, 'a');
    },
  },
  { name: 'deletes it', edit: ({ application }, id) => application.remove(id) },
  {
    name: 'deletes it and makes it again',
    edit: ({ application }, id) => application.recreate(id, `another text of ${id}`),
  },
];

const stories = isWhole ? [forward, forwardInTwoLanes, sweep, back, oneBack] : [forward, sweep, back];
const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));
afterAll(() => forgetBeginnings(...stories));

describe.each(runs)('while $story.name touches a node, the application', ({ story, points }) => {
  describe.each(edits)('$name', (kind) => {
    it.for(dealt(points, edits.indexOf(kind)))('%s', (name) =>
      interfereAt(
        story,
        name,
        (world, point) => kind.edit(world, nodeAt(point, 'plain')),
        async (world, worker, planId) => {
          if (story === back) await assertRolledBack(world, worker, planId);
          else await assertSound(world, worker, planId);
        },
      ),
    );
  });
});
