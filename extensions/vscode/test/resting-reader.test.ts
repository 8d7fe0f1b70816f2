import { renameSync, utimesSync } from 'node:fs';
import { EmbeddingVersionManager } from '@registry/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RestingReader } from '../src/registries/resting-reader.ts';
import { openScene, readerOf } from './scene.ts';

describe('answers about a registry', () => {
  it('are asked for each time while somebody has it open', async () => {
    const { reader, file, asked } = await openScene();
    const resting = new RestingReader(reader);
    await resting.read(file.path, 'models');
    await resting.read(file.path, 'models');
    expect(asked).toEqual(['models', 'models']);
  });

  it('hold while it rests, each for its own question', async () => {
    const { file, manager, plan } = await openScene();
    await plan(3);
    await manager.close();
    const { resting, asked } = await openForReading(file.path);
    const first = await resting.read(file.path, 'plans', { limit: 10, status: 'pending' });
    expect(await resting.read(file.path, 'plans', { limit: 10, status: 'pending' })).toEqual(first);
    expect((await resting.read(file.path, 'plans', { limit: 10, status: 'paused' })).items).toEqual([]);
    expect(asked).toEqual(['plans', 'plans']);
  });

  it('are asked for again once it was written or replaced', async () => {
    const { file, manager, plan } = await openScene();
    const planId = await plan(3);
    await manager.close();
    const { resting, asked } = await openForReading(file.path);
    expect((await resting.read(file.path, 'plan', { planId })).status).toBe('pending');
    const writer = await EmbeddingVersionManager.open({ dbPath: file.path });
    await writer.pauseMigration(planId);
    await writer.close();
    expect((await resting.read(file.path, 'plan', { planId })).status).toBe('paused');
    utimesSync(file.path, new Date(0), new Date(0));
    await resting.read(file.path, 'plan', { planId });
    renameSync(file.path, `${file.path}.away`);
    await expect(resting.read(file.path, 'plan', { planId })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
    expect(asked.length).toBe(4);
  });
});

async function openForReading(path: string): Promise<{ resting: RestingReader; asked: string[] }> {
  const asked: string[] = [];
  const manager = await EmbeddingVersionManager.open({ dbPath: path, readOnly: true });
  onTestFinished(() => manager.close());
  const resting = new RestingReader(readerOf(manager, asked));
  return { resting, asked };
}
