import type { MigrationStatus } from '@registry/core';
import { describe, expect, it } from 'vitest';
import { english } from '../src/language.ts';
import { type MigrationsBranch, MigrationsTree } from '../src/model/migrations-tree.ts';
import { ModelsTree } from '../src/model/models-tree.ts';
import { taskRow } from '../src/model/plan-row.ts';
import type { Row } from '../src/model/row.ts';
import type { PlanData, TaskData } from '../src/registry-process/messages.ts';
import { openScene } from './scene.ts';

const shown = (branches: readonly { row: Row }[]) =>
  branches.map(({ row }) => [row.label, row.description].filter((text) => text !== undefined).join(' | '));

async function below(tree: MigrationsTree, branches: readonly MigrationsBranch[], label: string) {
  const branch = branches.find(({ row }) => row.label === label);
  if (branch === undefined) throw new Error(`No row ${label} among ${shown(branches).join('; ')}`);
  return tree.children(branch);
}

describe('the migrations tree', () => {
  it('lists plans by status, and asks for nothing that was not expanded', async () => {
    const { manager, reader, file, asked, plan } = await openScene();
    await manager.pauseMigration(await plan(3));
    await plan(4, 10);
    const tree = new MigrationsTree(reader, english);
    const roots = await tree.roots([file]);
    expect(shown(roots)).toEqual(['Waiting', 'Paused']);
    expect(asked).toEqual(['summary']);
    expect(shown(await below(tree, roots, 'Paused'))).toEqual(['0 % | → target:v1']);
    expect(shown(await below(tree, roots, 'Waiting'))).toEqual(['0 % · no worker | → target:v1']);
    expect(asked).not.toContain('tasks');
  });

  it('opens what is unfinished, and what was completed once nothing is', async () => {
    const { reader, file } = await openScene();
    const opened = async (...statuses: MigrationStatus[]) => {
      const read = async () => ({ statuses, workers: [] }) as never;
      const roots = await new MigrationsTree({ ...reader, read }, english).roots([file]);
      return roots.filter(({ row }) => row.expansion === 'expanded').map(({ row }) => row.label);
    };
    expect(await opened('pending', 'completed', 'failed')).toEqual(['Waiting']);
    expect(await opened('completed', 'failed')).toEqual(['Completed']);
  });

  it('shows long lists in pages', async () => {
    const { reader, file, plan } = await openScene();
    await plan(250);
    const tree = new MigrationsTree(reader, english);
    const plans = await below(tree, await tree.roots([file]), 'Waiting');
    const groups = await below(tree, plans, '0 % · no worker');
    expect(shown(groups)).toEqual(['Waiting | 250']);
    const first = await below(tree, groups, 'Waiting');
    expect(first).toHaveLength(101);
    const more = first.at(-1);
    if (more?.kind !== 'more') throw new Error('There is no row for the next page.');
    tree.showMore(more.parentId);
    expect(await below(tree, groups, 'Waiting')).toHaveLength(201);
    tree.showMore(more.parentId);
    const all = await below(tree, groups, 'Waiting');
    expect(all.at(-1)?.row.label).toBe('node-00249');
  });

  it('says pace, time left and what holds a plan back, in row and speech', async () => {
    const { manager, reader, file, plan } = await openScene();
    const data = (await manager.getMigration(await plan(100))).toJSON();
    const tree = new MigrationsTree(reader, english);
    const running = { ...data, status: 'in_progress', progressPercent: 62.9, priority: 1 } as const;
    const fast = { plan: running, workers: 1, nodesPerSecond: 1240.4, etaSeconds: 241 };
    const { row } = tree.withProgress(file, fast);
    expect(row.label).toBe('62 % · 1,240/s · 4 min left · high');
    expect(row.spoken).toBe('source:v1 → target:v1, Running, 62 %, 1,240/s, 4 min left, high');
    const until = '2026-01-02T03:04:05.000Z';
    const held = { ...running, hold: { code: 'RATE_LIMITED', message: 'm', until } } as const;
    const waiting = tree.withProgress(file, {
      ...fast,
      plan: held,
      nodesPerSecond: 0,
      heldBackBy: 'rateLimit',
    });
    expect(waiting.row.label).toContain('rate limit, next try 03:04:05 UTC');
  });

  it('offers what the plan allows', async () => {
    const { manager, reader, file, plan } = await openScene();
    const planId = await plan(2);
    const tree = new MigrationsTree(reader, english);
    const contextOf = async (group: string) =>
      (await below(tree, await tree.roots([file]), group))[0]?.row.context;
    expect(await contextOf('Waiting')).toBe(
      'plan startable pausable cancellable cuttable tunable reversible idle',
    );
    await manager.cancelMigration(planId);
    expect(await contextOf('Cancelled')).toBe('plan reversible finalizable');
    await manager.finalizeMigration({ planId });
    expect(await contextOf('Cancelled')).toBe('plan');
  });

  it('says in a row of its own why a registry cannot be read, beside others that can', async () => {
    const { reader, file } = await openScene();
    const broken = { ...file, path: 'gone', label: 'gone.sqlite' };
    const tree = new MigrationsTree(
      {
        read: (path, ...rest) =>
          path === 'gone' ? Promise.reject(new Error('There is no file.')) : reader.read(path, ...rest),
      } as typeof reader,
      english,
    );
    const roots = await tree.roots([file, broken]);
    expect(shown(roots)).toEqual(['registry', 'gone.sqlite']);
    expect(shown(await below(tree, roots, 'gone.sqlite'))).toEqual([
      'gone.sqlite cannot be read | There is no file.',
    ]);
  });
});

describe('workers', () => {
  it('are shown whichever program started them, those of this machine to be stopped', async () => {
    const { reader, file, startWorker, manager } = await openScene();
    await startWorker();
    const [worker] = await manager.listWorkers();
    const tree = new MigrationsTree(reader, english, worker?.host);
    const [group] = await tree.roots([file]);
    expect(group?.row).toMatchObject({ label: 'Workers', description: '1', context: 'workers' });
    const [row] = await tree.children(group!);
    expect(row?.row).toMatchObject({
      label: `Process ${worker?.pid}`,
      description: 'this machine · at rest',
      context: 'worker stoppable',
    });
    const elsewhere = new MigrationsTree(reader, english, 'another-host');
    const [there] = await elsewhere.children((await elsewhere.roots([file]))[0]!);
    expect(there?.row.context).toBe('worker');
  });
});

describe('a plan that stands still', () => {
  it('says what holds it back before anybody has told more than the registry', async () => {
    const { manager, reader, file, plan } = await openScene();
    const data = (await manager.getMigration(await plan(2))).toJSON();
    const tree = new MigrationsTree(reader, english);
    const rowOf = (changes: object) =>
      tree.withProgress(file, { plan: { ...data, ...changes }, workers: 1, nodesPerSecond: 0 }).row;
    const until = '2026-01-02T03:04:05.000Z';
    const held = rowOf({ status: 'in_progress', hold: { code: 'EMBEDDER_FAILED', message: 'm', until } });
    expect(held.label).toBe('0 % · held, next try 03:04:05 UTC');
    expect(held.tooltip?.lines).toContainEqual(['Held back', 'held, next try 03:04:05 UTC']);
    const spent = { code: 'SPEND_CAP', message: 'm' };
    const capped = rowOf({ status: 'paused', reason: spent, spendCap: { tokens: 90_000 }, spentTokens: 1 });
    expect(capped.label).toBe('0 % · spend cap reached');
    expect(capped.tooltip?.lines).toContainEqual(['Spent', '1 token of 90,000 tokens']);
    expect(rowOf({ status: 'paused', reason: { code: 'MODEL_DRIFTED', message: 'm' } }).label).toBe(
      '0 % · MODEL_DRIFTED',
    );
  });
});

describe('a plan that failed', () => {
  it('says why below it, in words of the editor', async () => {
    const { manager, reader, file, plan } = await openScene();
    const data = (await manager.getMigration(await plan(2))).toJSON();
    const message =
      '1 of 2 nodes failed; see listTasks with status failed, mend the cause, then retryFailed.';
    const failed = { ...data, status: 'failed', reason: { code: 'EMBEDDER_FAILED', message } } as const;
    const tree = new MigrationsTree(
      { read: async (_, name) => (name === 'plan' ? failed : undefined) } as typeof reader,
      english,
    );
    const branch = tree.withProgress(file, { plan: failed, workers: 0, nodesPerSecond: 0 });
    const [why] = await tree.children(branch);
    expect(why?.row).toMatchObject({
      context: 'note',
      label: 'EMBEDDER_FAILED: 1 of 2 nodes failed; see its failed nodes, mend the cause, then retry them.',
    });
  });
});

describe('what a look finds', () => {
  it('counts failed nodes of plans that can be tried again, and none of others', async () => {
    const { reader, file, plan } = await openScene();
    await plan(2);
    expect((await reader.read(file.path, 'summary')).failing).toEqual({ plans: 0, nodes: 0 });
  });
});

describe('the models tree', () => {
  it('shows the nodes at each model, at none, and at one that is not registered', async () => {
    const { reader, file, manager } = await openScene();
    const at = (embeddingModelId: string, count: number) => ({
      info: { embeddingModelId, embeddingVersion: 1, embeddingChecksum: 'c' },
      count,
    });
    const counts = [at('source', 1200), { count: 3 }, at('foreign', 1)];
    const tree = new ModelsTree({ reader, say: english, now: () => 0, known: () => ({ counts }) });
    const roots = await tree.roots([file]);
    expect(shown(roots).slice(-2)).toEqual([
      'Without a stamp | 3 nodes',
      'foreign:v1 | 1 node · not registered',
    ]);
    expect(roots.at(-2)?.row.context).toBe('unstamped');
    const source = roots.find(({ row }) => row.label === 'source')!;
    expect(shown(await tree.children(source))).toEqual(['v1:source-s | active · 1,200 nodes · 4 × float32']);
    const target = roots.find(({ row }) => row.label === 'target')!;
    expect(shown(await tree.children(target))).toEqual(['v1:target-s | 0 nodes · 4 × float32']);
    expect(await manager.listModels()).toHaveLength(3);
  });

  it('lists versions below their model, the active one marked', async () => {
    const { manager, reader, file } = await openScene();
    await manager.registerModel({ modelId: 'target', version: 2, dimension: 768, checksum: 'a'.repeat(64) });
    const tree = new ModelsTree({ reader, say: english, now: () => 0 });
    const roots = await tree.roots([file]);
    expect(shown(roots)).toContain('source | active: v1');
    const target = roots.find(({ row }) => row.label === 'target')!;
    expect(shown(await tree.children(target))).toEqual([
      'v2:aaaaaaaa | 768 × float32',
      'v1:target-s | 4 × float32',
    ]);
    const active = await tree.children(roots.find(({ row }) => row.label === 'source')!);
    expect(active[0]?.row).toMatchObject({
      context: 'model active',
      spoken: 'source version 1, active, 4 dimensions',
    });
  });

  it('warns of ends that are announced, with the days left, the family row too', async () => {
    const { manager, reader, file } = await openScene();
    const now = Date.parse('2026-03-01T12:00:00Z');
    await manager.updateModel({
      modelId: 'source',
      version: 1,
      shutdownAt: '2026-03-05',
      successor: { modelId: 'next', version: 2 },
    });
    const counts = [
      {
        info: { embeddingModelId: 'source', embeddingVersion: 1, embeddingChecksum: 'source-sum-1' },
        count: 7,
      },
    ];
    const tree = new ModelsTree({ reader, say: english, now: () => now, known: () => ({ counts }) });
    const roots = await tree.roots([file]);
    expect(shown(roots)).toContain('source | v1 shuts down in 4 days · active: v1');
    const [row] = (await tree.children(roots.find(({ row }) => row.label === 'source')!)).map(
      (each) => each.row,
    );
    expect(row).toMatchObject({
      description: 'active · shuts down in 4 days · 7 nodes · 4 × float32',
      icon: { name: 'error' },
      spoken: 'source version 1, active, shuts down in 4 days, 7 nodes, 4 dimensions',
    });
    expect(row?.tooltip?.lines).toContainEqual(['Successor', 'next:v2, not registered yet']);
    const later = new ModelsTree({ reader, say: english, now: () => now + 30 * 86_400_000 });
    expect(shown(await later.roots([file]))).toContain('source | v1 was shut down 26 days ago · active: v1');
    // Nobody's vectors depend on it.
    await manager.updateModel({ modelId: 'target', version: 1, shutdownAt: '2026-03-02' });
    expect(shown(await tree.roots([file]))).toContain('target | 1 version');
  });

  it('marks a model that drifted', async () => {
    const { reader, file } = await openScene();
    const known = () => ({ drifted: { models: new Set(['source:v1']), at: '2026-03-04T05:06:07.000Z' } });
    const tree = new ModelsTree({ reader, say: english, now: () => 0, known });
    const source = (await tree.roots([file])).find(({ row }) => row.label === 'source')!;
    const [model] = await tree.children(source);
    expect(model?.row).toMatchObject({
      description: 'active · drifted · 4 × float32',
      icon: { name: 'error', color: 'testing.iconFailed' },
    });
  });
});

it('offers to try a failed node again only where its plan still can', () => {
  const at = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: '' };
  const task = { nodeId: 'n', status: 'failed', target: at, retryCount: 0, maxRetries: 0 } as TaskData;
  const plan = { status: 'failed', failedNodes: 1 } as PlanData;
  const final = { ...plan, finalizedAt: '2026-01-02T03:04:05.000Z' };
  expect([plan, final].map((each) => taskRow('id', each, task, english).context)).toEqual([
    'task retryable',
    'task',
  ]);
});
