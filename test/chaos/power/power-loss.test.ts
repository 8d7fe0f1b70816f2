/** Power that fails: a real worker is stopped, and the disk is what its files and what was synced of their logs make of it. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingVersionManager, type RegistryStore } from '@registry/core';
import { openRegistry, SqliteDatabase } from '@registry/core/sqlite';
import { ManualClock, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { assertSound } from '../../crash/invariants.ts';
import { embedded, models } from '../../crash/models.ts';
import { planTo, seededWorld } from '../../crash/seeds.ts';
import type { World } from '../../crash/world.ts';
import { isLong } from '../length.ts';
import { afterPowerLoss, assertGoesOn, commitsOf, framesLeft, type Loss, type Losses } from './power-loss.ts';
import { anywhere, atSteps, type FileName, files, type Snapshot, type Stopped } from './snapshots.ts';
import { unsynced } from './unsynced.ts';

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const chance = new ManualClock({ seed });
const random = () => chance.random();
const NODES = 40;
/** Share of the steps at which the power fails; a rollback has fewer. */
const often = (direction: Stopped['direction']) => (isLong ? 1 : 0.03) * (direction === 'back' ? 3 : 1);

let base: World;
let planId: string;
beforeAll(async () => {
  console.info(`CRASH_SEED=${seed}`);
  base = await seededWorld({ now: Date.now() });
  const more = Array.from({ length: NODES }, (_, index) => `text number ${index}`);
  await base.application.put(
    more.map((content, index) => ({ id: `more-${index}`, content, ...embedded('a', content) })),
  );
  base.application.written.clear();
  base.start = await base.nodeStates();
  planId = await planTo(await base.open(), 'b', { batchSize: 5 });
  // Nobody has its files open from now on.
  await (await base.fork()).close();
});
afterAll(() => base.close());

/** Its files in a folder on a disk, where a sync takes its time; migrated where it is to be rolled back. */
async function workplace(direction: Stopped['direction']): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'power-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const world = await base.fork();
  if (direction === 'back') {
    const { manager } = await world.open();
    await world.run(manager.runMigration(planId));
  }
  const copied = await world.fork((copy) => {
    for (const name of files) emptyLog(join(copy, `${name}.sqlite`));
    cpSync(copy, folder, { recursive: true });
  });
  await copied.close();
  await world.close();
  return folder;
}

/** So that no log holds the plan itself: a damaged one would lose it. */
function emptyLog(path: string): void {
  const raw = new Database(path);
  raw.pragma('wal_checkpoint(TRUNCATE)');
  raw.close();
}

/** Anything that a loss of power may leave of the file. */
function drawn(snapshot: Snapshot, name: FileName): Loss {
  const { least, most } = framesLeft(snapshot, name);
  const frames = least + Math.floor(random() * (most - least + 1));
  const bytes = frames < most && random() < 0.5 ? Math.floor(random() * 8_000) : 0;
  return { frames, bytes, isTorn: random() < 0.5 };
}

async function tryOne(snapshot: Snapshot, losses: Losses, direction: Stopped['direction']): Promise<void> {
  const world = await afterPowerLoss(base, snapshot, losses);
  try {
    await assertGoesOn(world, planId, direction);
  } finally {
    await world.close();
  }
}

/** The newest commit of one file is lost, or the newest few, or all that its log holds; the other file is whole. */
function commitsLost(snapshot: Snapshot, lost: FileName): readonly Losses[] {
  const kept = (name: FileName, frames: number) => ({ [name]: { frames, bytes: 0, isTorn: false } });
  const other = lost === 'nodes' ? 'registry' : 'nodes';
  const commits = commitsOf(snapshot, lost);
  return [1, 6, commits.length]
    .filter((count) => count > 0 && count <= commits.length)
    .map(
      (count) =>
        ({
          ...kept(lost, commits.at(-1 - count) ?? 0),
          ...kept(other, framesLeft(snapshot, other).most),
        }) as unknown as Losses,
    );
}

async function tryAll(snapshots: AsyncGenerator<Snapshot>, direction: Stopped['direction']): Promise<void> {
  for await (const snapshot of snapshots)
    await tryOne(
      snapshot,
      { registry: drawn(snapshot, 'registry'), nodes: drawn(snapshot, 'nodes') },
      direction,
    );
}

/** A transaction is under way: the power may take a part of it. */
const isHalfway = (snapshot: Snapshot) =>
  files.some((name) => framesLeft(snapshot, name).least < framesLeft(snapshot, name).most);

// A process can be seen to have stopped where the system tells of its threads.
describe.runIf(existsSync('/proc/self/task'))('power that fails', () => {
  it.each(['forward', 'back'] as const)('within a step, %s', { timeout: 600_000 }, async (direction) => {
    const stopped = { folder: await workplace(direction), direction, planId, seed, often: often(direction) };
    await tryAll(atSteps(stopped), direction);
  });

  it.each(['forward', 'back'] as const)('fails within transactions too, %s', async (direction) => {
    const stopped = { folder: await workplace(direction), direction, planId, seed: 1, often: 1 };
    let seen = false;
    for await (const snapshot of atSteps(stopped)) if (isHalfway(snapshot)) seen = true;
    expect(seen).toBe(true);
  });

  it.each(['forward', 'back'] as const)('at any moment, %s', { timeout: 600_000 }, async (direction) => {
    const stopped = { folder: await workplace(direction), direction, planId, seed, often: often(direction) };
    await tryAll(anywhere(stopped, random), direction);
  });

  // What would be seen if a commit were not on disk when it returns, as with synchronous=NORMAL or OFF.
  it.each([
    {
      lost: 'registry',
      direction: 'forward',
      at: /^nodes.write .* after/,
      what: 'is not what the plan replaced|has no backup|not in the backups',
    },
    {
      lost: 'nodes',
      direction: 'forward',
      at: /^registry.settle .* after/,
      what: 'is settled, and its vector is lost',
    },
    {
      lost: 'nodes',
      direction: 'back',
      at: /^registry.settleRollback .* after/,
      what: 'counts as rolled back, and is not',
    },
  ] as const)(
    'is noticed where commits to the $lost are lost, $direction',
    async ({ lost, direction, at, what }) => {
      const folder = await workplace(direction);
      const seen: string[] = [];
      const isNoticed = () => seen.some((message) => new RegExp(what).test(message));
      // A fixed seed: what has to be seen here is no matter of chance.
      for await (const snapshot of atSteps({ folder, direction, planId, seed: 1, often: 1 })) {
        if (!at.test(snapshot.at)) continue;
        for (const losses of commitsLost(snapshot, lost)) {
          await tryOne(snapshot, losses, direction).catch((error: Error) => seen.push(error.message));
          if (isNoticed()) break;
        }
        if (isNoticed()) break;
      }
      expect(seen).toContainEqual(expect.stringMatching(what));
    },
  );

  // SQLite takes such a log for one that ends there: commits are lost, and nothing is mixed or told twice.
  it.each([
    { file: 'registry', direction: 'forward' },
    { file: 'nodes', direction: 'back' },
  ] as const)(
    'and a log of the $file with a byte that is no longer what was written',
    async ({ file, direction }) => {
      const folder = await workplace(direction);
      for await (const snapshot of atSteps({
        folder,
        direction,
        planId,
        seed,
        often: 2 * often(direction),
      })) {
        const log = Buffer.from(snapshot.files[file].log);
        // The database is newer than what is left of a log that was copied into it: no use of SQLite survives that.
        if (log.length <= 32 || snapshot.files[file].copied > 0) continue;
        const at = 32 + Math.floor(random() * (log.length - 32));
        log.writeUInt8(log.readUInt8(at) ^ 0x40, at);
        const files = { ...snapshot.files, [file]: { ...snapshot.files[file], log } };
        await tryDamaged({ ...snapshot, files });
      }
    },
  );
});

const everything = { frames: Number.POSITIVE_INFINITY, bytes: 0, isTorn: false };

/** Backups may be among what is lost: what stands on the nodes is right all the same, and the plan ends. */
async function tryDamaged(snapshot: Snapshot): Promise<void> {
  const world = await afterPowerLoss(base, snapshot, { registry: everything, nodes: everything });
  try {
    world.states.forgetPlans();
    await world.clock.advance(31_000);
    const worker = await world.open({ isDead: () => true });
    const { status } = await world.run(worker.manager.runMigration(planId));
    expect(['completed', 'rolled_back']).toContain(status);
    await assertSound(world, worker, planId);
  } finally {
    await world.close();
  }
}

it('every connection of registry and node store syncs each commit, also one that is opened again', async () => {
  const opened: Database.Database[] = [];
  const { pragma } = Database.prototype;
  const spy = vi.spyOn(Database.prototype, 'pragma').mockImplementation(function (
    this: Database.Database,
    ...args
  ) {
    if (!opened.includes(this)) opened.push(this);
    return pragma.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  const world = await base.fork();
  await world.open();
  const written = opened.filter((connection) => connection.open && !connection.readonly);
  expect(new Set(written.map(({ name }) => name)).size).toBe(2);
  for (const connection of written) expect(connection.pragma('synchronous', { simple: true })).toBe(2);
  await world.close();
});

it('commits without a sync only what may be done anew, and nothing that a write of a node stands on', async () => {
  const folder = await workplace('forward');
  const seen = new Map<string, Set<boolean>>();
  let method = '';
  const { write } = SqliteDatabase.prototype;
  const spy = vi.spyOn(SqliteDatabase.prototype, 'write').mockImplementation(function <T>(
    this: SqliteDatabase,
    body: () => T,
    options: { isSynced?: boolean } = {},
  ) {
    const name = this.path.endsWith('registry.sqlite') ? method : 'of the nodes';
    seen.set(name, (seen.get(name) ?? new Set()).add(options.isSynced ?? true));
    return write.call(this, body, options) as Promise<T>;
  });
  onTestFinished(() => spy.mockRestore());
  const registry = await openRegistry({ path: join(folder, 'registry.sqlite'), actor: 'test' });
  // Each method writes before it waits for anything.
  const registryStore = new Proxy(registry, {
    get(target, name: string & keyof RegistryStore) {
      return (...args: unknown[]) => {
        method = name;
        return Reflect.apply(target[name], target, args);
      };
    },
  });
  const nodeStore = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite'), sqliteVec: false });
  const embedders = [testEmbedder({ spec: models.b })];
  const manager = await EmbeddingVersionManager.open({ registryStore, nodeStore, embedders });
  await manager.runMigration(planId);
  await manager.rollbackMigration({ planId, nodeId: 'more-1' });
  await manager.rollbackMigration({ planId });
  await manager.finalizeMigration({ planId });
  await manager.close();
  await nodeStore.close();
  await registry.close();
  for (const [name, levels] of seen) expect([name, ...levels]).toEqual([name, !unsynced.includes(name)]);
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining(['claim', 'backUp', 'settle', 'beginRollback', 'endRollback', 'of the nodes']),
  );
});
