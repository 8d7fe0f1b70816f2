import { describe, expect, it } from 'vitest';
import type { OriginPlanFields } from '../fixtures/origin-database.ts';
import {
  completed_at,
  done,
  expectBoth,
  expectSound,
  plan,
  started_at,
  tasksOf,
} from '../fixtures/origin-openings.ts';

describe('plans and tasks', () => {
  it('are what plan_data says, whatever the columns and the table of tasks say', async () => {
    await expectBoth(
      (origin) => {
        origin.plan(
          plan({
            status: 'in_progress',
            started_at,
            batch_size: 7,
            throttle_delay_ms: 0,
            max_parallel_workers: 5,
            tasks: [
              done('a'),
              { node_id: 'b', status: 'in_progress', started_at, priority: 1 },
              { node_id: 'c', max_retries: 9 },
            ],
          }),
        );
        origin.raw.exec(
          `UPDATE migration_plans SET status = 'completed', batch_size = 1; DELETE FROM migration_tasks`,
        );
      },
      async (store) => {
        expect(await store.plan('p1')).toMatchObject({
          status: 'paused',
          reason: { code: 'ORIGIN_PLAN' },
          sourceSpec: { modelId: 'binary_hdv', datatype: 'bit' },
          targetSpec: { modelId: 'mini', dimension: 384 },
          strategy: 'inPlace',
          priority: 1,
          wholeStore: false,
          backupOldVectors: true,
          batchSize: 7,
          throttleMs: 0,
          maxParallelWorkers: 5,
          maxRetries: 9,
          totalNodes: 3,
          completedNodes: 1,
          adoptedNodes: 1,
          createdAt: '2026-11-23T01:31:14.657Z',
          startedAt: '2026-11-23T02:00:00.000Z',
        });
        expect(await tasksOf(store)).toMatchObject([
          { nodeId: 'a', status: 'completed', canRollback: false, durationSeconds: 1.5 },
          {
            nodeId: 'b',
            status: 'pending',
            canRollback: false,
            source: { embeddingModelId: 'binary_hdv', embeddingChecksum: 'b1' },
          },
          { nodeId: 'c', status: 'pending', target: { embeddingModelId: 'mini', embeddingVersion: 1 } },
        ]);
        await expectSound(store);
      },
    );
  });

  it.each<[string, Partial<OriginPlanFields>, object]>([
    ['pending', { status: 'pending', tasks: [{ node_id: 'a' }] }, { status: 'paused' }],
    [
      'in progress',
      { status: 'in_progress', tasks: [{ node_id: 'a', status: 'in_progress' }] },
      { status: 'paused' },
    ],
    ['paused', { status: 'paused', tasks: [{ node_id: 'a' }] }, { status: 'paused' }],
    [
      'completed',
      { status: 'completed', completed_at, tasks: [done('a')] },
      { status: 'completed', completedAt: '2026-11-23T02:00:01.500Z' },
    ],
    [
      'failed',
      { status: 'failed', tasks: [{ node_id: 'a', status: 'failed', error_message: 'no' }] },
      { status: 'failed', failedNodes: 1 },
    ],
    ['rolled back', { status: 'rolled_back', tasks: [{ node_id: 'a' }] }, { status: 'rolled_back' }],
    [
      'empty and pending',
      { status: 'pending' },
      { status: 'completed', totalNodes: 0, progressPercent: 100 },
    ],
    [
      'completed with open tasks',
      { status: 'completed', tasks: [done('a'), { node_id: 'b' }] },
      { status: 'paused', completedNodes: 1 },
    ],
    ['failed with a task set back', { status: 'failed', tasks: [{ node_id: 'b' }] }, { status: 'paused' }],
    ['in progress with nothing open', { status: 'in_progress', tasks: [done('a')] }, { status: 'completed' }],
    [
      'in progress with a failed task alone',
      { status: 'in_progress', tasks: [done('a'), { node_id: 'b', status: 'failed' }] },
      { status: 'failed' },
    ],
    [
      'completed, each task rolled back',
      { status: 'completed', tasks: [{ node_id: 'a', status: 'rolled_back' }] },
      { status: 'rolled_back', rolledBackNodes: 1 },
    ],
    [
      'of an unknown status',
      { status: 'dreaming', tasks: [{ node_id: 'a', status: 'asleep' }] },
      { status: 'paused' },
    ],
  ])('%s: the tasks decide', async (_, fields, expected) => {
    await expectBoth(
      (origin) => origin.plan(plan(fields)),
      async (store) => {
        const found = await store.plan('p1');
        expect(found).toMatchObject({ ...expected, reason: { code: 'ORIGIN_PLAN' } });
        expect(found?.completedAt === undefined).toBe(found?.status === 'paused');
        await expectSound(store);
      },
    );
  });

  it('say where the stored status was another', async () => {
    await expectBoth(
      (origin) => origin.plan(plan({ status: 'completed', tasks: [{ node_id: 'a' }] })),
      async (store) =>
        expect((await store.plan('p1'))?.reason?.message).toContain('stored as "completed", with 1 of 1'),
    );
  });

  it('ids: quotes, unicode and numbers stay what they are; what no store can hold is left out', async () => {
    const ids = [`it's "quoted"; DROP TABLE tasks--`, 'Grüße 🦄', 'a\\b', ' ', '\u0001', 'p1:a'];
    const unusable = ['', '\ud800', null, { id: 'x' }, ['x']];
    await expectBoth(
      (origin) =>
        origin.plan(
          plan({
            tasks: [...ids, 5, 2.5, true, 12345678901234567890n, ...unusable].map((node_id) => ({ node_id })),
          }),
        ),
      async (store) => {
        const found = (await tasksOf(store)).map((task) => task.nodeId);
        expect(found.sort()).toEqual([...ids, '5', '2.5', '1', '12345678901234567890'].sort());
        await expectSound(store);
      },
    );
  });

  it('duplicates are one task, with the status of the first', async () => {
    await expectBoth(
      (origin) =>
        origin.plan(
          plan({ status: 'in_progress', tasks: [done('a'), { node_id: 'a' }, { node_id: 5 }, done('5')] }),
        ),
      async (store) => {
        expect(await tasksOf(store)).toMatchObject([
          { nodeId: '5', status: 'pending' },
          { nodeId: 'a', status: 'completed' },
        ]);
        await expectSound(store);
      },
    );
  });

  it('failed tasks keep their message and retries', async () => {
    const error_message = 'x'.repeat(600);
    await expectBoth(
      (origin) =>
        origin.plan(
          plan({
            status: 'failed',
            tasks: [{ node_id: 'a', status: 'failed', error_message, retry_count: 2 }],
          }),
        ),
      async (store) => {
        expect(await tasksOf(store)).toMatchObject([
          { errorCode: 'ORIGIN_PLAN', errorMessage: 'x'.repeat(500), retryCount: 2, status: 'failed' },
        ]);
      },
    );
  });

  it('settings that are nonsense become the defaults of the origin', async () => {
    await expectBoth(
      (origin) =>
        origin.plan(
          plan({
            batch_size: -1,
            throttle_delay_ms: 'soon',
            max_parallel_workers: 0,
            created_at: 'yesterday',
            tasks: [{ node_id: 'a', priority: 17, max_retries: -1 }],
          }),
        ),
      async (store) => {
        expect(await store.plan('p1')).toMatchObject({
          batchSize: 100,
          throttleMs: 10,
          maxParallelWorkers: 2,
          priority: 2,
          maxRetries: 3,
        });
      },
    );
  });

  it('are in the order in which they were made, whichever was saved last', async () => {
    const at = (day: number) => `2026-11-${day}T00:00:00+00:00`;
    await expectBoth(
      (origin) =>
        origin
          .plan(plan({ plan_id: 'third', created_at: at(23) }))
          .plan(plan({ plan_id: 'first', created_at: at(21) }))
          .plan(plan({ plan_id: 'second', created_at: at(22) })),
      async (store) => {
        expect((await store.plans()).items.map((item) => item.planId)).toEqual(['third', 'second', 'first']);
      },
    );
  });

  it('two rows that claim one id in their JSON are two plans', async () => {
    await expectBoth(
      (origin) => {
        origin.plan(plan({ plan_id: 'a' })).plan(plan({ plan_id: 'b' }));
        origin.raw.exec(
          `UPDATE migration_plans SET plan_data = replace(plan_data, '"plan_id": "b"', '"plan_id": "a"')`,
        );
      },
      async (store) =>
        expect((await store.plans()).items.map((item) => item.planId).sort()).toEqual(['a', 'b']),
    );
  });
});
