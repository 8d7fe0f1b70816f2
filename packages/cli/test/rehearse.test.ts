import { mkdirSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { notes, oneRegistry, Project } from './project.ts';

/** Windows has none: there a process that is asked to stop ends at once. */
const hasSignals = process.platform !== 'win32';

/** Its embedder says when it is asked for documents of the plan, and answers only where it is told to. */
const hanging = oneRegistry.replace(
  'embedders: [hashedNgram({ dimension: 64 })]',
  `embedders: [{
    spec: hashedNgram({ dimension: 64 }).spec,
    embed: (texts, o) => {
      if (!process.env.HANGS || !texts[0].startsWith('note ')) return hashedNgram({ dimension: 64 }).embed(texts, o);
      console.log(JSON.stringify({ event: 'asked' }));
      return new Promise(() => setInterval(() => {}, 1_000));
    },
  }]`,
);

/** A project whose temporary files lie in a folder of their own. */
async function planned(config = oneRegistry) {
  const project = await Project.make({ nodes: notes(30), config });
  const temporary = project.path('temporary');
  mkdirSync(temporary);
  const planId = await project.planned();
  return { project, planId, env: { TMPDIR: temporary }, left: () => readdirSync(temporary) };
}

it('evr rehearse plays a plan on copies with processes that are killed, and changes nothing', async () => {
  const { project, planId, env, left } = await planned();
  const before = await project.json(['status']);
  const { exitCode, data } = await project.json(
    ['rehearse', planId.slice(0, 8), '--sample', '20', '--seed', '4', '--kills', '1'],
    { env },
  );
  expect(data).toMatchObject({
    nodes: 20,
    of: 30,
    seed: 4,
    completed: 20,
    rateLimits: 2,
    rollback: { restored: 20 },
  });
  expect(data.kills).toHaveLength(2);
  // So few nodes are too few for the gate to be sure.
  expect([exitCode, data.verdict]).toEqual([1, 'inconclusive']);
  const after = await project.json(['status']);
  expect(after.data.plans).toEqual(before.data.plans);
  expect(left()).toEqual([]);
});

it.runIf(hasSignals)(
  'stopped by Ctrl-C it leaves nothing; killed, the next one removes what it left and says so',
  async () => {
    const { project, planId, env, left } = await planned(hanging);
    const begin = async (kills: string) => {
      const run = project.start(['rehearse', planId, '--kills', kills], { env: { ...env, HANGS: '1' } });
      await run.line(({ event }) => event === 'asked');
      expect(left()).toHaveLength(1);
      return run;
    };
    // The call that never answers is one of a worker within this process: a stop waits for it no more than for others.
    const stopped = await begin('0');
    stopped.child.kill('SIGINT');
    expect(await stopped.ended).toBe(3);
    expect(left()).toEqual([]);

    const killed = await begin('1');
    killed.child.kill('SIGKILL');
    await killed.ended;
    const [folder] = left();
    const { stderr } = await project.run(['rehearse', planId, '--kills', '0'], { env });
    expect(stderr).toContain(`A rehearsal that was killed had left its copies of nodes in`);
    expect(stderr).toContain(folder);
    expect(left()).toEqual([]);
  },
);
