/** Opening with wrong options says which, and touches no file. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { refusalOf, temporaryFolder } from '../scene.ts';

describe('opening', () => {
  it.each([
    ['a misspelt option', { dbpath: 'elsewhere.sqlite' }, 'dbpath'],
    ['a path that is none', { dbPath: 5 }, 'dbPath'],
    ['a node store that is none', { nodeStore: { storeId: 'x' } }, 'nodeStore'],
    ['one embedder instead of a list', { embedders: testEmbedder() }, 'embedders'],
    ['an embedder without a model', { embedders: [{ embed: async () => [] }] }, 'embedders'],
    ['a registry store that is none', { registryStore: {} }, 'registryStore'],
    ['a clock that is none', { clock: Date }, 'clock'],
    ['a logger that is none', { logger: { info: () => {} } }, 'logger'],
    ['an unknown setting', { config: { batchSize: 5 } }, 'batchSize'],
    ['a setting out of range', { config: { migrationBatchSize: 0 } }, 'migrationBatchSize'],
    ['a configuration that is none', { config: 'config.yaml' }, 'config'],
    ['null', null, 'options'],
  ])('with %s is refused', async (_, options, named) => {
    const folder = temporaryFolder();
    const dbPath = join(folder, 'registry.sqlite');
    const error = await refusalOf(EmbeddingVersionManager.open((options && { dbPath, ...options }) as never));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(named);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a file that is no database is refused and left as it is', async () => {
    const dbPath = join(temporaryFolder(), 'notes.txt');
    writeFileSync(dbPath, 'These are my notes. '.repeat(500));
    const error = await refusalOf(EmbeddingVersionManager.open({ dbPath }));
    expect(error.code).toBe('DATABASE_INVALID');
    expect(error.message).toContain(dbPath);
    expect(readdirSync(join(dbPath, '..'))).toEqual(['notes.txt']);
  });

  it.each([{ readOnly: true }, { readOnly: true, config: {} }])(
    'for reading what is not there makes nothing (%j)',
    async (options) => {
      const folder = temporaryFolder();
      const error = await refusalOf(
        EmbeddingVersionManager.open({ dbPath: join(folder, 'absent.sqlite'), ...options }),
      );
      expect(error.code).toBe('DATABASE_UNAVAILABLE');
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
