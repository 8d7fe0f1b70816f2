import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RegistryProcess } from '../src/registries/registry-process.ts';
import { openScene, temporaryFolder } from './scene.ts';

function start(): RegistryProcess {
  const program = resolve(import.meta.dirname, '../src/registry-process/main.ts');
  const child = new RegistryProcess({ program, onOutput: () => {} });
  onTestFinished(() => child.dispose());
  return child;
}

describe('the process that reads registries', () => {
  it('reads a resting registry without a trace, and sleeps when nobody needs it', async () => {
    const { file, manager } = await openScene();
    await manager.close();
    const folder = join(temporaryFolder(), 'resting');
    mkdirSync(folder);
    const path = join(folder, 'copy.sqlite');
    copyFileSync(file.path, path);
    const child = start();
    const models = await child.read(path, 'models');
    expect(models.map(({ modelId }) => modelId)).toContain('target');
    expect(child.isAwake).toBe(false);
    expect(readdirSync(folder)).toEqual(['copy.sqlite']);
  });

  it('is kept awake by whoever holds it', async () => {
    const { file } = await openScene();
    const child = start();
    const release = child.hold();
    await child.read(file.path, 'models');
    expect(child.isAwake).toBe(true);
    release();
    expect(child.isAwake).toBe(false);
  });

  it('writes what is asked for; each reader sees it', async () => {
    const { file, manager, plan } = await openScene();
    const planId = await plan(3);
    const child = start();
    const paused = await child.write(file.path, 'pause', { planId });
    expect(paused.status).toBe('paused');
    expect((await manager.getMigration(planId)).status).toBe('paused');
  });

  it('answers refusals with their code', async () => {
    const { file } = await openScene();
    const child = start();
    child.hold();
    await expect(child.read(file.path, 'plan', { planId: 'nobody' })).rejects.toMatchObject({
      code: 'PLAN_UNKNOWN',
    });
    await expect(child.read(join(temporaryFolder(), 'none.sqlite'), 'models')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
  });

  it('asks before a file that is no registry yet becomes one', async () => {
    const path = join(temporaryFolder(), 'none.sqlite');
    const child = start();
    await expect(child.write(path, 'pause', { planId: 'p' })).rejects.toBeInstanceOf(Error);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('tells each change of a plan while a worker is alive, until it is told to stop', async () => {
    const { file, startWorker, plan } = await openScene();
    const planId = await plan(3);
    const child = start();
    const seen: string[] = [];
    await child.watch(
      file.path,
      planId,
      ({ heldBackBy }) => seen.push(heldBackBy ?? ''),
      new AbortController().signal,
    );
    expect(seen).toEqual(['noWorker']);
    await startWorker();
    const stopping = new AbortController();
    await child.watch(file.path, planId, () => stopping.abort(), stopping.signal);
    expect(child.isAwake).toBe(false);
  });

  it('fails what was asked when it is killed, and starts again for the next question', async () => {
    const { file, startWorker, plan } = await openScene();
    const planId = await plan(3);
    await startWorker();
    const child = start();
    const watching = child.watch(
      file.path,
      planId,
      () => void process.kill(child.pid!, 'SIGKILL'),
      new AbortController().signal,
    );
    await expect(watching).rejects.toMatchObject({ code: 'CRASHED' });
    expect(await child.read(file.path, 'models')).not.toEqual([]);
  });

  it('fails each question that cannot be sent to it any more', async () => {
    const program = join(temporaryFolder(), 'deaf.mjs');
    writeFileSync(program, `process.disconnect(); console.log('deaf'); setInterval(() => {}, 60_000);`);
    const heard = Promise.withResolvers<void>();
    const child = new RegistryProcess({ program, onOutput: () => heard.resolve() });
    child.hold();
    child.wake();
    const { pid } = child;
    onTestFinished(() => void process.kill(pid!, 'SIGKILL'));
    await heard.promise;
    const asked = ['a', 'b'].map((path) => child.read(path, 'models'));
    for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected');
  });

  it('names the registry of a config.yaml, and none where it has no section', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.yaml'), 'embedding_registry:\n  registry_db_path: ./x.sqlite\n');
    writeFileSync(join(folder, 'b.yaml'), 'other: 1\n');
    const child = start();
    child.hold();
    expect(await child.configuredPath(join(folder, 'a.yaml'))).toBe('./x.sqlite');
    expect(await child.configuredPath(join(folder, 'b.yaml'))).toBeUndefined();
  });
});

describe('a database of the origin', () => {
  it('is read as it is, and written only where its upgrade was agreed to', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'origin.sqlite');
    copyFileSync(resolve('packages/core/test/fixtures/origin-fresh.sqlite'), path);
    const child = start();
    child.hold();
    expect((await child.read(path, 'models')).length).toBeGreaterThan(0);
    const model = { modelId: 'm', version: 1, dimension: 2, checksum: 'c' };
    await expect(child.write(path, 'registerModel', model)).rejects.toMatchObject({ name: 'UpgradeNeeded' });
    expect(readdirSync(folder)).toEqual(['origin.sqlite']);
    await child.write(path, 'registerModel', model, true);
    expect(readdirSync(folder).some((name) => name.startsWith('origin.sqlite.bak-'))).toBe(true);
    const manager = await EmbeddingVersionManager.open({ dbPath: path, readOnly: true });
    onTestFinished(() => manager.close());
    expect(await manager.getModel(model)).toBeDefined();
  });
});
