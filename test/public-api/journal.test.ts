/** Every public call that changes a model, a plan or the stamps of nodes, and what the journal says of it. */
import { hostname } from 'node:os';
import { EmbeddingVersionManager, type JournalEntry } from '@registry/core';
import { expectedVector } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { nodeId, openScene, type Scene, storeWith, textOf } from '../scene.ts';

interface Journalled {
  /** Before the call; what it answers is passed to the call. */
  readonly given?: (scene: Scene) => Promise<string>;
  readonly call: (scene: Scene, planId: string) => Promise<unknown>;
  /** What the call adds, oldest first. */
  readonly says: readonly (readonly [action: string, details: object])[];
}

const planOf = async ({ manager, to }: Scene) =>
  (await manager.createMigration({ ...to, batchSize: 9 })).planId;
const donePlanOf = async (scene: Scene) => {
  const planId = await planOf(scene);
  await scene.manager.runMigration(planId);
  return planId;
};
const failedPlanOf = async (scene: Scene) => {
  await scene.store.upsert([{ id: nodeId(3), content: '' }]);
  return donePlanOf(scene);
};
const target = { modelId: 'new-model', version: 1 };
const old = /^old-model:v1:/;

const OVERRIDDEN = ['plan:gateOverridden', { why: 'Told so.' }] as const;

const calls: Readonly<Record<string, Journalled>> = {
  registerModel: {
    call: ({ manager, target: { spec } }) => manager.registerModel({ ...spec.toJSON(), version: 2 }),
    says: [['model:registered', { modelId: 'new-model', version: 2, dimension: 12 }]],
  },
  'registerModel with setActive': {
    given: donePlanOf,
    call: ({ manager, target: { spec } }) => manager.registerModel({ ...spec.toJSON(), setActive: true }),
    says: [['model:activated', { previous: expect.stringMatching(old) }]],
  },
  updateModel: {
    given: async ({ manager }) => (await manager.updateModel({ ...target, name: 'first' })).modelId,
    call: ({ manager }) => manager.updateModel({ ...target, name: 'second', pricePerMillionTokens: 1 }),
    says: [
      [
        'model:updated',
        { name: { from: 'first', to: 'second' }, pricePerMillionTokens: { from: null, to: 1 } },
      ],
    ],
  },
  removeModel: {
    call: ({ manager }) => manager.removeModel(target),
    says: [['model:removed', target]],
  },
  switchActiveModel: {
    call: ({ manager, to }) => manager.switchActiveModel({ ...to, migrateExisting: true }),
    says: [
      ['plan:created', { totalNodes: 10, source: expect.stringMatching(old), strategy: 'inPlace' }],
      ['model:activated', { previous: expect.stringMatching(old) }],
      ['plan:gateSkipped', { message: expect.stringContaining('asks no gate') }],
    ],
  },
  createMigration: {
    call: planOf,
    says: [['plan:created', { totalNodes: 10, source: expect.stringMatching(old), strategy: 'inPlace' }]],
  },
  runMigration: {
    given: planOf,
    call: ({ manager }, planId) => manager.runMigration(planId),
    says: [
      ['plan:in_progress', { from: 'pending' }],
      ['plan:completed', { from: 'in_progress' }],
    ],
  },
  tuneMigration: {
    given: planOf,
    call: ({ manager }, planId) =>
      manager.tuneMigration({ planId, batchSize: 4, throttleMs: 7, maxParallelWorkers: 2, maxRetries: 1 }),
    says: [
      [
        'plan:tuned',
        {
          batchSize: { from: 9, to: 4 },
          throttleMs: { from: expect.any(Number), to: 7 },
          maxRetries: { from: 3, to: 1 },
        },
      ],
    ],
  },
  'tuneMigration to what it is': {
    given: planOf,
    call: ({ manager }, planId) => manager.tuneMigration({ planId, batchSize: 9 }),
    says: [],
  },
  pauseMigration: {
    given: planOf,
    call: ({ manager }, planId) => manager.pauseMigration(planId),
    says: [['plan:paused', { from: 'pending' }]],
  },
  resumeMigration: {
    given: async (scene) => (await scene.manager.pauseMigration(await planOf(scene))).planId,
    call: ({ manager }, planId) => manager.resumeMigration(planId),
    says: [['plan:in_progress', { from: 'paused' }]],
  },
  cancelMigration: {
    given: planOf,
    call: ({ manager }, planId) => manager.cancelMigration(planId),
    says: [['plan:cancelled', { from: 'pending' }]],
  },
  retryFailed: {
    given: failedPlanOf,
    call: ({ manager }, planId) => manager.retryFailed({ planId }),
    says: [
      ['plan:retried', { count: 1 }],
      ['plan:in_progress', { from: 'failed' }],
    ],
  },
  cutoverMigration: {
    given: planOf,
    call: ({ manager }, planId) => manager.cutoverMigration({ planId, overrideGate: 'Told so.' }),
    says: [
      OVERRIDDEN,
      ['model:activated', { previous: expect.stringMatching(old) }],
      ['plan:cutover', { previous: expect.stringMatching(old) }],
    ],
  },
  'cutoverMigration over failed nodes': {
    given: failedPlanOf,
    call: ({ manager }, planId) =>
      manager.cutoverMigration({ planId, acceptFailed: true, overrideGate: 'Told so.' }),
    says: [
      OVERRIDDEN,
      ['model:activated', { previous: expect.stringMatching(old) }],
      ['plan:cutover', { acceptedFailed: 1 }],
      ['plan:created', { followsUp: expect.any(String) }],
      ['plan:in_progress', { from: 'pending' }],
      ['plan:failed', { from: 'in_progress' }],
    ],
  },
  'rollbackMigration of a plan': {
    given: async (scene) => {
      const planId = await donePlanOf(scene);
      await scene.manager.cutoverMigration({ planId, overrideGate: 'Told so.' });
      // The plan that looks for late writes would hold the nodes.
      const [followUp] = (await scene.manager.listMigrations()).items;
      await scene.manager.runMigration(followUp!.planId);
      return planId;
    },
    call: ({ manager }, planId) => manager.rollbackMigration({ planId }),
    says: [
      ['model:activated', { previous: expect.stringMatching(/^new-model:v1:/) }],
      ['plan:rolling_back', { from: 'completed' }],
      ['plan:rolled_back', { from: 'rolling_back' }],
    ],
  },
  'rollbackMigration of a node': {
    given: donePlanOf,
    call: ({ manager }, planId) => manager.rollbackMigration({ planId, nodeId: nodeId(1) }),
    says: [['node:rolled_back', { nodeId: nodeId(1), outcome: 'restored' }]],
  },
  evaluateMigration: {
    given: planOf,
    call: ({ manager }, planId) => manager.evaluateMigration({ planId, seed: 1 }),
    says: [['plan:gate', { verdict: expect.any(String), planId: expect.any(String) }]],
  },
  finalizeMigration: {
    given: donePlanOf,
    call: ({ manager }, planId) => manager.finalizeMigration({ planId }),
    says: [['plan:finalized', { status: 'completed' }]],
  },
  stampNodes: {
    given: unstamped,
    call: ({ manager }) => manager.stampNodes({ modelId: 'old-model', version: 1 }),
    says: [
      ['nodes:stamping', {}],
      ['nodes:stamped', { stamped: 1, skipped: 0, interrupted: false }],
    ],
  },
  unstampNodes: {
    given: planOf,
    call: ({ manager }) => manager.unstampNodes({ nodeIds: [nodeId(1), 'absent'] }),
    says: [
      ['nodes:unstamping', {}],
      ['nodes:unstamped', { unstamped: 1, skipped: 1, interrupted: false }],
    ],
  },
  'stampNodes, interrupted': {
    given: unstamped,
    async call({ store, open }) {
      const stop = new AbortController();
      const nodeStore = storeWith(store, {
        async write(writes) {
          stop.abort();
          return store.write(writes);
        },
      });
      const manager = await open({ nodeStore });
      async function* ids() {
        yield nodeId(99);
        for (let index = 0; index < 600; index++) yield `absent-${index}`;
      }
      const options = {
        modelId: 'old-model',
        version: 1,
        nodeIds: ids(),
        sampleSize: 0,
        signal: stop.signal,
      };
      await expect(manager.stampNodes(options)).rejects.toThrow();
    },
    says: [
      ['nodes:stamping', {}],
      ['nodes:stamped', { stamped: 1, interrupted: true }],
    ],
  },
};

/** Looks, asks, or works on what other calls have begun: the registry is told nothing new of it. */
const silent = [
  ...['getModel', 'getActiveModel', 'listModels', 'getMigration', 'listMigrations', 'listTasks'],
  ...['listFailures', 'getBackup', 'watchMigration', 'listJournal', 'listWorkers', 'getWorkerStats'],
  ...['startWorker', 'stopWorker', 'embed', 'searchAcrossModels', 'on', 'close', 'writeReport'],
  ...['diagnose', 'checkWitness', 'estimateMigration', 'translateThreshold', 'rehearseMigration'],
];

async function unstamped({ store, old: { spec } }: Scene): Promise<string> {
  await store.upsert([{ id: nodeId(99), content: textOf(99), vector: expectedVector(spec, textOf(99)) }]);
  return nodeId(99);
}

const entries = async ({ manager }: Scene): Promise<readonly JournalEntry[]> =>
  (await manager.listJournal({ limit: 10_000 })).items.toReversed();

it.each(Object.entries(calls))('%s is journalled: who, when, what, from which to which', async (_, each) => {
  const scene = await openScene();
  const planId = (await each.given?.(scene)) ?? '';
  const before = await entries(scene);
  const startedAt = Date.now();
  await each.call(scene, planId);
  const added = (await entries(scene)).slice(before.length);
  expect(added.map(({ action }) => action)).toEqual(each.says.map(([action]) => action));
  for (const [index, [, details]] of each.says.entries()) {
    const entry = added[index]!;
    expect(entry.details).toMatchObject(details);
    expect(entry.actor).toMatch(new RegExp(`^.+@${hostname()}:${process.pid}$`));
    expect(Date.parse(entry.at)).toBeGreaterThanOrEqual(startedAt);
    // Stamps of any model are taken off.
    if (!entry.action.startsWith('nodes:unstamp')) expect(entry.planId ?? entry.model).toBeDefined();
  }
  expect(JSON.stringify(added)).not.toContain('text of node');
});

it('every public call is in this table, or changes nothing that is journalled', () => {
  const members = Object.getOwnPropertyNames(EmbeddingVersionManager.prototype);
  const named = new Set([
    ...Object.keys(calls).map((name) => name.split(/[ ,]/)[0]),
    ...silent,
    'constructor',
  ]);
  expect(members.filter((name) => !named.has(name))).toEqual([]);
});
