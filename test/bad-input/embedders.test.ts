/** Embedders that are the wrong ones, answer wrongly, fail, hang or are aborted: nothing wrong is written. */
import { EmbedderError, EmbeddingVersionManager, type MigrationPlan } from '@registry/core';
import { type EmbedderHook, ManualClock, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import {
  nodeId,
  openScene,
  refusalOf,
  rowsOf,
  type Scene,
  temporaryFolder,
  textOf,
  vectorsOf,
} from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };
const guilty = (texts: readonly string[]) => texts.includes(textOf(1));

/** Runs a plan over four nodes with an embedder that behaves like this, on a clock of its own. */
async function runWith(
  onCall: EmbedderHook,
  options: Partial<Parameters<typeof testEmbedder>[0]> = {},
): Promise<
  Scene & { clock: ManualClock; planId: string; plan: MigrationPlan; run: () => Promise<MigrationPlan> }
> {
  const clock = new ManualClock();
  const target = testEmbedder({ ...fields, onCall, ...options });
  const scene = await openScene({ nodes: 4, target, clock });
  const { planId } = await scene.manager.createMigration({ ...scene.to, maxRetries: 1 });
  const run = () => clock.runUntil(scene.manager.runMigration(planId));
  return { ...scene, clock, planId, plan: await run(), run };
}

describe('an embedder for another model', () => {
  it.each([
    ['checksum', { checksum: 'another' }],
    ['dimension', { dimension: 13 }],
  ])('than the target, by its %s, is refused before anything is done', async (field, change) => {
    const { manager, open, to, target, store, dbPath } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration(to);
    const before = [rowsOf(dbPath), await vectorsOf(store)];
    const other = testEmbedder({ ...fields, ...{ checksum: target.spec.checksum }, ...change });
    const wrong = await open({ embedders: [other] });
    for (const call of [
      () => wrong.runMigration(planId),
      () => wrong.embed(['text'], { modelId: 'new-model', version: 1 }),
    ]) {
      const error = await refusalOf(call);
      expect(error.code).toBe('EMBEDDER_MISMATCH');
      expect(error.message).toContain(field);
      expect(error.message).toContain('next version');
    }
    expect(other.calls).toEqual([]);
    expect([rowsOf(dbPath), await vectorsOf(store)]).toEqual(before);
  });

  it('is refused at a switch, which then has changed nothing', async () => {
    const { open, to, old, dbPath } = await openScene({ nodes: 2 });
    const before = rowsOf(dbPath);
    const cases = [
      ['EMBEDDER_MISSING', [old]],
      ['EMBEDDER_MISMATCH', [old, testEmbedder({ ...fields, checksum: 'x' })]],
    ] as const;
    for (const [code, embedders] of cases) {
      const manager = await open({ embedders });
      expect((await refusalOf(manager.switchActiveModel({ ...to, migrateExisting: true }))).code).toBe(code);
    }
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('leaves a worker waiting, which says what for', async () => {
    const clock = new ManualClock();
    const { open, to, manager, old } = await openScene({ nodes: 2, clock });
    const { planId } = await manager.createMigration(to);
    const poor = await open({ embedders: [old] });
    await poor.startWorker();
    await clock.untilSleeping(2);
    expect((await poor.getWorkerStats()).waiting).toMatchObject([{ planId, code: 'EMBEDDER_MISSING' }]);
    await clock.runUntil(poor.stopWorker());
  });

  it('may not be passed twice', async () => {
    const dbPath = `${temporaryFolder()}/registry.sqlite`;
    const embedders = [testEmbedder(fields), testEmbedder({ ...fields, checksum: 'x' })];
    const error = await refusalOf(EmbeddingVersionManager.open({ dbPath, embedders }));
    expect(error.code).toBe('EMBEDDER_MISMATCH');
    expect(error.message).toContain('new-model:v1');
  });
});

const zeros = (length: number) => new Float32Array(length);
const ones = (length: number) => zeros(length).fill(1);

describe('an embedder that returns', () => {
  it.each<[string, (texts: readonly string[]) => unknown, RegExp]>([
    [
      'too few vectors',
      (texts) => texts.slice(1).map(() => ones(12)),
      /3 vectors for 4 texts|0 vectors for 1/,
    ],
    ['no list', () => ({ vectors: [] }), /0 vectors/],
    ['too long vectors', (texts) => texts.map(() => ones(13)), /13 elements instead of 12/],
    ['too short vectors', (texts) => texts.map(() => ones(11)), /11 elements instead of 12/],
    ['NaN', (texts) => texts.map(() => ones(12).fill(Number.NaN, 3, 4)), /NaN/],
    ['infinity', (texts) => texts.map(() => ones(12).fill(Number.POSITIVE_INFINITY, 3, 4)), /infinite/],
    ['zeros', (texts) => texts.map(() => zeros(12)), /zero/],
    ['plain arrays', (texts) => texts.map(() => [...ones(12)]), /not a Float32Array/],
    ['bits', (texts) => texts.map(() => new Uint8Array(12).fill(1)), /not a Float32Array/],
    ['nothing', (texts) => texts.map(() => undefined), /not a Float32Array/],
  ])('%s for every text pauses the plan with the reason; mended, it goes on', async (_, answer, reason) => {
    let isBroken = true;
    const { plan, store, manager, planId, run, old } = await runWith((texts) =>
      isBroken ? answer(texts) : undefined,
    );
    expect(plan).toMatchObject({ status: 'paused', reason: { code: 'VECTOR_INVALID' }, completedNodes: 0 });
    expect(plan.reason?.message).toMatch(reason);
    expect(await store.countByModel()).toEqual([{ info: old.spec.info, count: 4 }]);
    isBroken = false;
    await manager.resumeMigration(planId);
    expect(await run()).toMatchObject({ status: 'completed', completedNodes: 4, failedNodes: 0 });
  });

  it.each<[string, (texts: readonly string[]) => unknown]>([
    ['NaN', (texts) => texts.map((text) => (text === textOf(1) ? ones(12).fill(Number.NaN) : ones(12)))],
    ['zeros', (texts) => texts.map((text) => (text === textOf(1) ? zeros(12) : ones(12)))],
    ['one vector too few', (texts) => (guilty(texts) ? texts.slice(1).map(() => ones(12)) : undefined)],
  ])('%s for one text fails that task alone, with its message', async (_, answer) => {
    const { plan, manager, planId, store, old } = await runWith(answer);
    expect(plan).toMatchObject({ status: 'failed', completedNodes: 3, failedNodes: 1 });
    const { items } = await manager.listTasks({ planId, status: 'failed' });
    expect(items).toMatchObject([{ nodeId: nodeId(1), errorCode: 'VECTOR_INVALID', canRollback: false }]);
    expect((await store.get(nodeId(1)))?.embeddingModelId).toBe(old.spec.modelId);
  });
});

describe('an embedder that throws', () => {
  it('refused for one text: the batch is split, that node fails, the others go on', async () => {
    const { plan, manager, planId } = await runWith((texts) => {
      if (guilty(texts)) throw new EmbedderError('refused', `Too odd: ${texts.join('; ').repeat(40)}`);
    });
    expect(plan).toMatchObject({
      status: 'failed',
      completedNodes: 3,
      failedNodes: 1,
      reason: { code: 'EMBEDDER_FAILED' },
    });
    const [task] = (await manager.listTasks({ planId, errorCode: 'EMBEDDER_FAILED' })).items;
    expect(task?.errorMessage).not.toContain(textOf(1).slice(0, 16));
    expect(task?.errorMessage?.length).toBeLessThanOrEqual(500);
    expect(plan.reason?.message).toContain('retryFailed');
  });

  it('a message without end: 500 characters of it are kept', async () => {
    const { manager, planId } = await runWith((texts) => {
      if (guilty(texts)) throw new EmbedderError('refused', 'x'.repeat(5_000));
    });
    const [task] = (await manager.listTasks({ planId, status: 'failed' })).items;
    expect(task?.errorMessage).toHaveLength(500);
  });

  it('fatal: the plan is paused at once with the reason, and nothing is charged', async () => {
    let isBroken = true;
    const { plan, manager, planId, run, target } = await runWith(() => {
      if (isBroken) throw new EmbedderError('fatal', 'The key was refused; renew it.');
    });
    expect(plan).toMatchObject({
      status: 'paused',
      reason: { code: 'EMBEDDER_FAILED', message: 'The key was refused; renew it.' },
    });
    expect(target.calls).toHaveLength(1);
    expect((await manager.listTasks({ planId })).items.map(({ retryCount }) => retryCount)).toEqual([
      0, 0, 0, 0,
    ]);
    isBroken = false;
    await manager.resumeMigration(planId);
    expect(await run()).toMatchObject({ status: 'completed', completedNodes: 4 });
  });

  it.each([
    [
      'rateLimited',
      () => new EmbedderError('rateLimited', 'Slow down.', { retryAfterMs: 7_000 }),
      'RATE_LIMITED',
    ],
    ['transient', () => new EmbedderError('transient', 'Bad gateway.'), 'EMBEDDER_FAILED'],
    ['anything else', () => new TypeError('fetch failed'), 'EMBEDDER_FAILED'],
    ['what is no error', () => 'oops', 'EMBEDDER_FAILED'],
  ])('%s: the plan is held, tried again, and nothing is charged', async (_, make, code) => {
    let failures = 2;
    const holds = new Set<string>();
    let manager: EmbeddingVersionManager | undefined;
    let planId = '';
    const clock = new ManualClock();
    const target = testEmbedder({
      ...fields,
      onCall: async () => {
        const hold = planId && (await manager?.getMigration(planId))?.hold;
        if (hold) holds.add(hold.code);
        if (failures-- > 0) throw make();
      },
    });
    const scene = await openScene({ nodes: 4, target, clock });
    manager = scene.manager;
    ({ planId } = await manager.createMigration(scene.to));
    const plan = await clock.runUntil(manager.runMigration(planId));
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 4, failedNodes: 0 });
    expect(plan.hold).toBeUndefined();
    expect([...holds]).toEqual([code]);
    expect((await manager.listTasks({ planId })).items.map(({ retryCount }) => retryCount)).toEqual([
      0, 0, 0, 0,
    ]);
  });
});

describe('an embedder that', () => {
  it('hangs is given up after a while, and the plan is held and goes on', async () => {
    const { plan, target } = await runWith(
      (_, { index }) => (index === 0 ? new Promise(() => {}) : undefined),
      {
        ignoresSignal: true,
      },
    );
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 4 });
    expect(target.calls[0]?.signal?.aborted).toBe(true);
  });

  it('says how long its calls may take is not given up before', async () => {
    const clock = new ManualClock();
    const target = testEmbedder({
      ...fields,
      limits: { timeoutMs: 300_000 },
      onCall: () => clock.sleep(200_000),
    });
    const { manager, to } = await openScene({ nodes: 4, target, clock });
    const { planId } = await manager.createMigration(to);
    expect((await clock.runUntil(manager.runMigration(planId))).status).toBe('completed');
    expect(target.calls).toHaveLength(1);
  });

  it('is aborted by the caller ends the call with the caller’s reason, and is no failure', async () => {
    const { manager, target, dbPath } = await openScene({ nodes: 1 });
    const before = rowsOf(dbPath);
    const aborting = new AbortController();
    const reason = new Error('the user left');
    target.onCall = () => {
      aborting.abort(reason);
      return new Promise(() => {});
    };
    const { modelId, version } = target.spec;
    await expect(manager.embed(['text'], { modelId, version, signal: aborting.signal })).rejects.toBe(reason);
    await expect(manager.embed(['text'], { modelId, version, signal: aborting.signal })).rejects.toBe(reason);
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('is asked by a run that is aborted finishes its batch, and the rest waits', async () => {
    const { manager, target, to } = await openScene({ nodes: 4 });
    const aborting = new AbortController();
    target.onCall = () => aborting.abort();
    const { planId } = await manager.createMigration({
      ...to,
      batchSize: 2,
      maxParallelWorkers: 1,
      throttleMs: 0,
    });
    const plan = await manager.runMigration(planId, { signal: aborting.signal });
    expect(plan).toMatchObject({ status: 'in_progress', completedNodes: 2, failedNodes: 0 });
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 4 });
  });
});

describe('for an application’s own texts', () => {
  const ask = async (target: TestEmbedder, texts: readonly string[] = ['a text']) => {
    const { manager } = await openScene({ nodes: 0, target });
    return refusalOf(manager.embed(texts, { modelId: 'new-model', version: 1 }));
  };

  it.each([
    [() => [ones(13)], 'VECTOR_INVALID'],
    [() => [], 'VECTOR_INVALID'],
    [() => [zeros(12)], 'VECTOR_INVALID'],
  ])('the same checks hold: %#', async (onCall, code) => {
    expect((await ask(testEmbedder({ ...fields, onCall }))).code).toBe(code);
  });

  it.each(['rateLimited', 'transient', 'refused', 'fatal'] as const)(
    'the kind of a failure is told: %s',
    async (kind) => {
      const onCall = () => {
        throw new EmbedderError(kind, 'No.');
      };
      expect(await ask(testEmbedder({ ...fields, onCall }))).toMatchObject({
        code: 'EMBEDDER_FAILED',
        kind,
        message: 'No.',
      });
    },
  );

  it.each([[['a', '']], [['']]])('an empty one is refused: %j', async (texts) => {
    expect((await ask(testEmbedder(fields), texts)).code).toBe('CONTENT_MISSING');
  });

  it.each([['a string'], [[5]], [null], [{ 0: 'a', length: 1 }]])('%j is no list of texts', async (texts) => {
    expect((await ask(testEmbedder(fields), texts as never)).code).toBe('SPEC_INVALID');
  });
});
