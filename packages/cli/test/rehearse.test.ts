import { expect, it } from 'vitest';
import { notes, Project } from './project.ts';

it('evr rehearse plays a plan on copies and changes nothing', async () => {
  const project = await Project.make({ nodes: notes(30) });
  const planId = await project.planned();
  const before = await project.json(['status']);
  const { exitCode, data } = await project.json([
    'rehearse',
    planId.slice(0, 8),
    '--sample',
    '20',
    '--seed',
    '4',
  ]);
  expect(data).toMatchObject({
    nodes: 20,
    of: 30,
    seed: 4,
    completed: 20,
    rateLimits: 2,
    rollback: { restored: 20 },
  });
  expect(data.kills).toHaveLength(4);
  // So few nodes are too few for the gate to be sure.
  expect([exitCode, data.verdict]).toEqual([1, 'inconclusive']);
  const after = await project.json(['status']);
  expect(after.data.plans).toEqual(before.data.plans);
});
