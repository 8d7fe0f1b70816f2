import { setImmediate } from 'node:timers/promises';
import { SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it } from 'vitest';
import { notes, oneRegistry, Project } from './project.ts';

/** Windows has none: there a process that is asked to stop ends at once. */
const hasSignals = process.platform !== 'win32';

/** After its first batch the one lane rests for an hour: what happens then is up to the test. */
const stuckOnDemand = oneRegistry
  .replace(/embedders: \[(.*)\],/, (_, made: string) => `embedders: [stuck(${made})],`)
  .concat(`
function stuck(embedder) {
  if (process.env.STUCK === undefined) return embedder;
  return { spec: embedder.spec, embed: () => new Promise(() => setInterval(() => {}, 1000)) };
}
`);
const noEmbedder = oneRegistry.replace(/embedders: \[.*\],/, '');
const slow = ['--batch-size', '5', '--parallel', '1', '--throttle-ms', '3600000'];

async function vectorsOf(project: Project): Promise<string> {
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  const nodes = await store.read(notes(20).map(({ id }) => id));
  await store.close();
  return JSON.stringify(
    nodes
      .map((node) => [node.id, Buffer.from(node.vector!.buffer).toString('hex'), node.embeddingModelId])
      .sort(),
  );
}

describe('a migration from a terminal', () => {
  it('registers, counts, plans, runs, cuts over, rolls back and gives the backups up', async () => {
    const project = await Project.make({ nodes: notes(20) });
    const before = await vectorsOf(project);
    const registered = await project.json(['models', 'register']);
    expect(registered.data.items.map((model: { modelId: string }) => model.modelId)).toEqual([
      'hashed_ngram_64',
    ]);
    const dry = await project.json([
      'plan',
      '--to',
      'hashed_ngram_64:v1',
      '--dry-run',
      '--where',
      'kind=odd',
    ]);
    expect(dry.data).toMatchObject({
      total: 10,
      sources: [{ count: 10, source: { embeddingModelId: 'binary_hdv' } }],
    });
    const { data: plan } = await project.json(['plan', '--to', 'hashed']);
    expect(plan).toMatchObject({ status: 'pending', totalNodes: 20 });

    const run = await project.run(['run', plan.planId.slice(0, 8)]);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('20 of 20 nodes done') });
    expect(await vectorsOf(project)).not.toBe(before);

    const refused = await project.json(['cutover', plan.planId]);
    expect(refused).toMatchObject({
      exitCode: 2,
      error: { code: 'NOT_CONFIRMED', details: { preview: { behind: 0 } } },
    });
    expect((await project.json(['cutover', plan.planId, '--yes'])).exitCode).toBe(0);
    expect((await project.json(['status'])).data.active.modelId).toBe('hashed_ngram_64');

    const preview = await project.json(['rollback', plan.planId, '--dry-run']);
    expect(preview.data.preview).toMatchObject({ restored: 20, remaining: 0 });
    const back = await project.json(['rollback', plan.planId, '--yes']);
    expect(back).toMatchObject({ exitCode: 0, data: { report: { restored: 20, succeeded: true } } });
    expect(await vectorsOf(project)).toBe(before);
    expect((await project.json(['status'])).data.active.modelId).toBe('binary_hdv');
    expect(await project.json(['finalize', plan.planId, '--yes'])).toMatchObject({ exitCode: 0 });
  }, 60_000);

  it('is watched, paused and resumed from other processes, and goes on after a kill', async () => {
    const project = await Project.make({ nodes: notes(20) });
    const planId = await project.planned(slow);
    const first = project.start(['run', planId]);
    await first.line(({ data }) => data?.plan?.completedNodes === 5);
    const watch = project.start(['watch', planId.slice(0, 6)]);
    await watch.line(
      ({ event, data }) => event === 'progress' && data.plan.completedNodes === 5 && data.workers === 1,
    );
    expect(await project.json(['pause', planId])).toMatchObject({
      exitCode: 0,
      data: { plan: { status: 'paused' } },
    });
    // Both end by themselves, as something to be gone on with.
    expect([await first.ended, await watch.ended]).toEqual([3, 3]);

    expect((await project.json(['resume', planId])).data.plan.status).toBe('in_progress');
    const second = project.start(['run', planId]);
    await second.line(({ data }) => data?.plan?.completedNodes === 10);
    second.child.kill('SIGKILL');
    expect(await second.ended).toBeNull();
    expect((await project.json(['tune', planId, '--throttle-ms', '0'])).data.plan.throttleMs).toBe(0);
    const third = await project.json(['run', planId]);
    expect(third).toMatchObject({ exitCode: 0, data: { plan: { status: 'completed', completedNodes: 20 } } });
  });

  it('does not wait for the lease of a worker that was killed: it is known to be gone', async () => {
    const project = await Project.make({ nodes: notes(5), config: stuckOnDemand });
    const planId = await project.planned();
    const stuck = project.start(['run', planId], { env: { STUCK: 'yes' } });
    await stuck.line(({ data }) => data?.plan?.status === 'in_progress');
    stuck.child.kill('SIGKILL');
    await stuck.ended;
    const { data } = await project.json(['run', planId]);
    expect(data.plan).toMatchObject({ status: 'completed', completedNodes: 5 });
  }, 25_000); // less than a lease

  it.runIf(hasSignals).each(['SIGINT', 'SIGTERM'] as const)(
    'stops cleanly on %s with exit code 3',
    async (signal) => {
      const project = await Project.make({ nodes: notes(20) });
      const planId = await project.planned(slow);
      const run = project.start(['run']);
      await run.line(({ data }) => data?.plan?.completedNodes === 5);
      run.child.kill(signal);
      await run.line(({ event }) => event === 'stopping');
      const result = await run.line(({ event }) => event === 'result');
      expect(result).toMatchObject({ exitCode: 3, data: { stats: { processedCount: 5, state: 'idle' } } });
      expect(await run.ended).toBe(3);
      const { data } = await project.json(['status']);
      expect(data.workers).toEqual([]);
      expect(data.plans[0]).toMatchObject({ planId, status: 'in_progress', completedNodes: 5 });
    },
  );
});

describe('a worker without the embedder', () => {
  it('says so itself, and so do status and watch of other processes', async () => {
    const project = await Project.make({ nodes: notes(3) });
    const planId = await project.planned();
    project.write('none.config.mjs', noEmbedder);
    const worker = project.start(['run', '--config', 'none.config.mjs']);
    const { data } = await worker.line(({ event }) => event === 'waiting');
    expect(data.items).toMatchObject([{ planId, code: 'EMBEDDER_MISSING' }]);
    const watch = project.start(['watch', planId]);
    await watch.line((line) => line.data.heldBackBy === 'noEmbedder');
    const status = await project.run(['status']);
    expect(status.stderr).toMatch(/^Worker .* cannot go on with plan .*: EMBEDDER_MISSING/);
    const { data: now } = await project.json(['status']);
    expect(now.heldBack).toEqual([{ planId, heldBackBy: 'noEmbedder' }]);
    expect((await project.run(['show', planId])).stdout).toMatch(/^held back +no worker has its embedder$/m);
    const refused = await project.json(['run', planId, '--config', 'none.config.mjs']);
    expect(refused).toMatchObject({ exitCode: 2, error: { code: 'EMBEDDER_MISSING' } });
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toBe(hasSignals ? 3 : null);
  });
});

describe('the worker that an editor starts', () => {
  it('goes on when nobody reads it and standard input ends, and stops by a signal', async () => {
    const project = await Project.make({ nodes: notes(20) });
    const planId = await project.planned(slow);
    const run = project.start(['run']);
    await run.line(({ event }) => event === 'started');
    run.child.stdin?.destroy();
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    const watch = project.start(['watch', planId]);
    await watch.line(({ data }) => data.plan.completedNodes === 5);
    await project.json(['tune', planId, '--throttle-ms', '0']);
    await project.json(['pause', planId]);
    await project.json(['resume', planId]);
    await setImmediate();
    expect(run.child.exitCode).toBeNull();
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(hasSignals ? 3 : null);
  });

  it('stops with its parent where it was asked to', async () => {
    const project = await Project.make({ nodes: notes(20) });
    await project.planned(slow);
    const run = project.start(['run', '--stop-with-parent']);
    await run.line(({ data }) => data?.plan?.completedNodes === 5);
    run.child.stdin?.end();
    expect(await run.ended).toBe(3);
  });
});
