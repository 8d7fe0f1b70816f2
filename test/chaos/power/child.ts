/**
 * A worker in a process of its own that stops itself at every few steps, for its files to be copied:
 * `node child.ts <folder> <forward | back> <plan id> <seed> <how often it stops>`. It tells what was durable before the
 * last step. Now and then it edits a node, as an application would, and empties a log.
 */
import { appendFileSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import {
  type FaultPoint,
  faultyNodeStore,
  faultyRegistryStore,
  ManualClock,
  pointName,
  testEmbedder,
} from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { embedded, models } from '../../crash/models.ts';
import { unsynced } from './unsynced.ts';
import { type Durable, durableOf } from './wal-file.ts';

const [folder = '', direction = '', planId = '', seed = '1', often = '0'] = process.argv.slice(2);
const draw = new ManualClock({ seed: Number(seed) });
const chance = (share: number) => draw.random() < share;

/** Written at once: what was told has happened, whatever becomes of this process. */
const tell = (value: unknown) => writeSync(1, `${JSON.stringify(value)}\n`);

const paths = { registry: join(folder, 'registry.sqlite'), nodes: join(folder, 'nodes.sqlite') };
const nodes = await SqliteNodeStore.open({ path: paths.nodes, sqliteVec: false });
const registry = await openRegistry({ path: paths.registry, actor: 'child' });

// Never closed: closing any descriptor of the index would drop the locks that SQLite holds on it.
const indexes = {
  registry: openSync(`${paths.registry}-shm`, 'r'),
  nodes: openSync(`${paths.nodes}-shm`, 'r'),
};

function durable(): Record<keyof typeof indexes, Durable> {
  const header = Buffer.alloc(48);
  const of = (descriptor: number) => {
    readSync(descriptor, header, 0, 48, 0);
    return durableOf(header);
  };
  return { registry: of(indexes.registry), nodes: of(indexes.nodes) };
}

if (often === '0') tell('begins');
let before = durable();
let edits = 0;
let isSweeping = false;

async function onPoint(point: FaultPoint): Promise<void> {
  if (point.when !== 'before' && chance(Number(often))) {
    tell({ at: pointName(point), before });
    process.kill(process.pid, 'SIGSTOP');
  }
  // What is edited behind the last look is not of this plan any more.
  if (/^(nodes\.scan|registry\.(sweep|endSweep))/.test(pointName(point))) isSweeping = true;
  if (/^nodes\.read/.test(pointName(point))) isSweeping = false;
  if (direction === 'forward' && !isSweeping && chance(0.03)) await edit();
  if (chance(0.02)) emptyLog(chance(0.5) ? paths.registry : paths.nodes);
  const now = durable();
  before = { nodes: now.nodes, registry: syncsRegistry(point) ? now.registry : before.registry };
}

function syncsRegistry({ port, method, when }: FaultPoint): boolean {
  return port === 'registry' && when === 'after' && !unsynced.includes(method);
}

async function edit(): Promise<void> {
  const id = `more-${Math.floor(draw.random() * 40)}`;
  const content = `edited text ${edits}`;
  edits += 1;
  // Told before: what was about to be written may be there or not, what was written has to be.
  appendFileSync(join(folder, 'edits'), `${JSON.stringify([id, content])}\n`);
  await nodes.update(id, { content, ...embedded('a', content) });
}

/** As any program may that has the file open. */
function emptyLog(path: string): void {
  const other = new Database(path);
  other.pragma('wal_checkpoint(RESTART)');
  other.close();
}

const manager = await EmbeddingVersionManager.open({
  registryStore: faultyRegistryStore(registry, onPoint),
  nodeStore: faultyNodeStore(nodes, onPoint, { nodeByNode: true }),
  embedders: [testEmbedder({ spec: models.b })],
  isDead: ({ pid }) => pid !== process.pid,
});
if (direction === 'forward') await manager.runMigration(planId);
else await manager.rollbackMigration({ planId });
