/** A worker in a process of its own: `node kill-child.ts <folder> <forward | back> <plan id>`. It tells each step. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import { faultyNodeStore, faultyRegistryStore, pointName, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { models } from './models.ts';

const [folder = '', direction = '', planId = ''] = process.argv.slice(2);

/** Written at once: what was told has happened, whatever becomes of this process. */
const tell = (line: string) => writeSync(1, `${line}\n`);

const nodes = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite'), sqliteVec: false });
const registry = await openRegistry({ path: join(folder, 'registry.sqlite'), actor: 'child' });
const manager = await EmbeddingVersionManager.open({
  registryStore: faultyRegistryStore(registry, (point) => tell(pointName(point))),
  nodeStore: faultyNodeStore(nodes, (point) => tell(pointName(point)), { nodeByNode: true }),
  embedders: [testEmbedder({ spec: models.b })],
  isDead: ({ pid }) => pid !== process.pid,
});
if (direction === 'forward') await manager.runMigration(planId);
else await manager.rollbackMigration({ planId });
tell('done');
