/** Each of the nine settings, from file or variable to what it does. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbedderError, EmbeddingVersionManager, loadRegistryConfig } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { scratchStore } from '@registry/node-memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeId, openScene, refusalOf, temporaryFolder, vectorsOf } from '../scene.ts';

type Settings = Record<string, unknown>;

/** The configuration as a program has it from its file. */
function fromFile(settings: Settings) {
  const path = join(temporaryFolder(), 'config.yaml');
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  writeFileSync(path, ['embedding_registry:', ...lines, ''].join('\n'));
  return loadRegistryConfig({ path, env: {} });
}

/** The same from the environment. */
function fromVariables(settings: Settings) {
  const named = Object.entries(settings).map(([key, value]) => [
    `HAIM_EMBEDDING_REGISTRY_${key === 'registry_db_path' ? 'DB_PATH' : key.toUpperCase()}`,
    String(value),
  ]);
  return loadRegistryConfig({ env: Object.fromEntries(named) });
}

describe.each([
  ['config.yaml', fromFile],
  ['variables', fromVariables],
])('from %s', (_, load) => {
  it('enabled: false touches no file, and every call says so', async () => {
    const folder = temporaryFolder();
    const dbPath = join(folder, 'data', 'registry.sqlite');
    const manager = await EmbeddingVersionManager.open({ dbPath, config: load({ enabled: false }) });
    const model = { modelId: 'm', version: 1 };
    const plan = { planId: 'p' };
    const calls: Record<string, () => Promise<unknown>> = {
      registerModel: () => manager.registerModel({ ...model, dimension: 3, checksum: 'c', setActive: true }),
      updateModel: () => manager.updateModel({ ...model, name: 'n' }),
      removeModel: () => manager.removeModel(model),
      getModel: () => manager.getModel(model),
      getActiveModel: () => manager.getActiveModel(),
      listModels: () => manager.listModels(),
      switchActiveModel: () => manager.switchActiveModel({ targetModelId: 'm', targetVersion: 1 }),
      createMigration: () => manager.createMigration({ targetModelId: 'm', targetVersion: 1 }),
      getMigration: () => manager.getMigration('p'),
      listMigrations: () => manager.listMigrations(),
      listTasks: () => manager.listTasks(plan),
      listFailures: () => manager.listFailures('p'),
      getBackup: () => manager.getBackup({ ...plan, nodeId: 'n' }),
      watchMigration: () => manager.watchMigration('p')[Symbol.asyncIterator]().next(),
      pauseMigration: () => manager.pauseMigration('p'),
      resumeMigration: () => manager.resumeMigration('p'),
      cancelMigration: () => manager.cancelMigration('p'),
      tuneMigration: () => manager.tuneMigration({ ...plan, batchSize: 1 }),
      retryFailed: () => manager.retryFailed(plan),
      cutoverMigration: () => manager.cutoverMigration(plan),
      rollbackMigration: () => manager.rollbackMigration(plan),
      finalizeMigration: () => manager.finalizeMigration(plan),
      startWorker: () => manager.startWorker(),
      stopWorker: () => manager.stopWorker(),
      getWorkerStats: () => manager.getWorkerStats(),
      listWorkers: () => manager.listWorkers(),
      runMigration: () => manager.runMigration('p'),
      stampNodes: () => manager.stampNodes(model),
      checkWitness: () => manager.checkWitness(),
      diagnose: () => manager.diagnose(),
      estimateMigration: () => manager.estimateMigration({ targetModelId: 'm', targetVersion: 1 }),
      evaluateMigration: () => manager.evaluateMigration(plan),
      translateThreshold: () => manager.translateThreshold({ ...plan, threshold: 0.5 }),
      rehearseMigration: () => manager.rehearseMigration({ ...plan, scratchStore }),
      writeReport: () => manager.writeReport({ ...plan, path: join(folder, 'report.html') }),
      unstampNodes: () => manager.unstampNodes({ nodeIds: ['n'] }),
      embed: () => manager.embed(['text']),
      searchAcrossModels: () => manager.searchAcrossModels('query', { k: 1 }),
      listJournal: () => manager.listJournal(),
    };
    const methods = Object.getOwnPropertyNames(EmbeddingVersionManager.prototype);
    expect(methods.sort()).toEqual([...Object.keys(calls), 'close', 'constructor', 'on'].sort());
    for (const [name, call] of Object.entries(calls))
      expect((await refusalOf(call)).code, name).toBe('REGISTRY_DISABLED');
    await manager.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('registry_db_path is where the registry is kept', async () => {
    const path = join(temporaryFolder(), 'deep', 'here.sqlite');
    const manager = await EmbeddingVersionManager.open({ config: load({ registry_db_path: path }) });
    onTestFinished(() => manager.close());
    expect(existsSync(path)).toBe(true);
  });

  it('auto_migrate makes a switch migrate unless told otherwise', async () => {
    const { manager, to } = await openScene({ nodes: 3, config: load({ auto_migrate: true }) });
    const plan = await manager.switchActiveModel(to);
    expect(plan?.totalNodes).toBe(3);
    await manager.cancelMigration(plan!.planId);
    const back = { targetModelId: 'old-model', targetVersion: 1 };
    expect(await manager.switchActiveModel({ ...back, migrateExisting: false })).toBeUndefined();
  });

  it('without auto_migrate a switch that would leave nodes behind is refused', async () => {
    const { manager, to, old } = await openScene({ nodes: 3, config: load({ auto_migrate: false }) });
    const error = await refusalOf(manager.switchActiveModel(to));
    expect(error).toMatchObject({ code: 'MIGRATION_REQUIRED', details: { behind: 3 } });
    expect(error.message).toContain('migrateExisting: true');
    expect(error.message).toContain('migrateExisting: false');
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
  });

  it('the four numbers are the defaults of new plans, and no more than that', async () => {
    const config = load({
      migration_batch_size: 7,
      migration_throttle_ms: 0,
      max_parallel_workers: 5,
      max_retries: 1,
    });
    const { manager, to, target } = await openScene({ nodes: 20, config });
    const plan = await manager.createMigration({ ...to, maxRetries: 9 });
    expect(plan).toMatchObject({ batchSize: 7, throttleMs: 0, maxParallelWorkers: 5, maxRetries: 9 });
    await manager.runMigration(plan.planId);
    expect(target.calls.map(({ texts }) => texts.length).sort()).toEqual([6, 7, 7]);
    expect((await manager.createMigration({ ...to, nodeIds: [] })).maxRetries).toBe(1);
  });

  it('max_retries: 0 leaves a dead letter at the first failure', async () => {
    const target = testEmbedder({
      modelId: 'new-model',
      dimension: 12,
      onCall: (texts) => {
        if (texts.some((text) => text.includes('number 1.'))) throw new EmbedderError('refused', 'No.');
      },
    });
    const { manager, to } = await openScene({ nodes: 2, target, config: load({ max_retries: 0 }) });
    const { planId } = await manager.createMigration(to);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'failed', failedNodes: 1 });
  });

  it('backup_old_vectors: false gives the way back up before anything starts', async () => {
    const { manager, store, to } = await openScene({
      nodes: 3,
      config: load({ backup_old_vectors: false }),
    });
    const { planId, backupOldVectors } = await manager.createMigration(to);
    await manager.runMigration(planId);
    const after = await vectorsOf(store);
    expect(backupOldVectors).toBe(false);
    expect((await manager.listTasks({ planId })).items.map(({ canRollback }) => canRollback)).toEqual([
      false,
      false,
      false,
    ]);
    for (const one of [{ planId }, { planId, nodeId: nodeId(1) }, { planId, dryRun: true }]) {
      const error = await refusalOf(manager.rollbackMigration(one));
      expect(error.code).toBe('BACKUP_MISSING');
      expect(error.message).toContain('createMigration');
    }
    expect((await manager.getMigration(planId)).status).toBe('completed');
    expect(await vectorsOf(store)).toEqual(after);
  });

  it('worker_enabled: false lets the worker rest and refuses to run a plan here', async () => {
    const { manager, to } = await openScene({ nodes: 1, config: load({ worker_enabled: false }) });
    const { planId } = await manager.createMigration(to);
    await manager.startWorker();
    expect(await manager.getWorkerStats()).toMatchObject({ state: 'disabled', isRunning: false });
    expect(await manager.listWorkers()).toEqual([]);
    const error = await refusalOf(manager.runMigration(planId));
    expect(error.code).toBe('REGISTRY_DISABLED');
    expect(error.message).toContain('workerEnabled');
    expect((await manager.getMigration(planId)).status).toBe('pending');
  });
});

it('without a path, or with null, the registry is ./data/embedding_registry.sqlite of the working directory', () => {
  const script = fileURLToPath(new URL('open-in-child.ts', import.meta.url));
  const folder = temporaryFolder();
  expect(execFileSync(process.execPath, [script], { cwd: folder, encoding: 'utf8', env: {} })).toBe(
    'binary_hdv:v1:52bdb6e9',
  );
  expect(readdirSync(join(folder, 'data'))).toEqual(['embedding_registry.sqlite']);
  expect(readdirSync(folder)).toEqual(['data']);
  expect(fromFile({ registry_db_path: null })).toEqual({ registryDbPath: null });
});

it('variables win over the file, and options of a call over both', async () => {
  const path = join(temporaryFolder(), 'config.yaml');
  writeFileSync(path, 'haim:\n  embedding_registry:\n    migration_batch_size: 5\n    max_retries: 5\n');
  const env = { HAIM_EMBEDDING_REGISTRY_MIGRATION_BATCH_SIZE: '6' };
  const { manager, to, dbPath } = await openScene({
    nodes: 0,
    config: { ...loadRegistryConfig({ path, env }), registryDbPath: '/nowhere/at/all' },
  });
  expect(existsSync(dbPath)).toBe(true);
  expect(await manager.createMigration({ ...to, maxRetries: 7 })).toMatchObject({
    batchSize: 6,
    maxRetries: 7,
    throttleMs: 10,
  });
});
