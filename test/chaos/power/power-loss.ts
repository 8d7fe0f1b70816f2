import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAtTarget, sameStamp } from '@registry/core';
import Database from 'better-sqlite3';
import { assertCompleted, assertRolledBack, assertSound, tasksOf } from '../../crash/invariants.ts';
import { embedded, models } from '../../crash/models.ts';
import { stateOf } from '../../crash/node-states.ts';
import type { Worker, World } from '../../crash/world.ts';
import { type FileName, files, type Snapshot } from './snapshots.ts';
import { cut, durableFrames, parseWal, tear } from './wal-file.ts';

const TARGET = `${models.b.modelId}:v${models.b.version}`;
const LEASE_MS = 31_000;

/** What is left of one file: so many frames of its log, so many bytes of the next one, and half-written pages. */
export interface Loss {
  readonly frames: number;
  readonly bytes: number;
  readonly isTorn: boolean;
}

export type Losses = Readonly<Record<FileName, Loss>>;

/** The frames that a loss of power may leave of a log: those that were synced at least, all at most. */
export function framesLeft(
  snapshot: Snapshot,
  name: FileName,
): { readonly least: number; readonly most: number } {
  const { log, durable } = snapshot.files[name];
  const wal = parseWal(log);
  if (wal === undefined) return { least: 0, most: 0 };
  return { least: durableFrames(wal, durable), most: wal.frames.length };
}

/** Where transactions of the log end, by number of frames. */
export function commitsOf(snapshot: Snapshot, name: FileName): readonly number[] {
  const { frames = [] } = parseWal(snapshot.files[name].log) ?? {};
  return frames.flatMap(({ isCommit }, index) => (isCommit ? [index + 1] : []));
}

/** Both files as the next start finds them; the indexes beside the logs are gone, as everything in memory is. */
export async function afterPowerLoss(base: World, snapshot: Snapshot, losses: Losses): Promise<World> {
  const world = await base.fork((folder) => {
    for (const name of files) {
      const { database, log, durable } = snapshot.files[name];
      const { frames, bytes, isTorn } = losses[name];
      const wal = parseWal(log);
      const path = join(folder, `${name}.sqlite`);
      writeFileSync(
        path,
        wal !== undefined && isTorn ? tear(database, wal, durableFrames(wal, durable)) : database,
      );
      const isCut = wal !== undefined && frames < wal.frames.length;
      writeFileSync(`${path}-wal`, isCut ? cut(log, wal, frames, bytes) : log);
      assertIntact(path);
    }
  });
  try {
    await account(world, snapshot);
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}

function assertIntact(path: string): void {
  const raw = new Database(path);
  try {
    assert.equal(raw.pragma('integrity_check', { simple: true }), 'ok', path);
  } finally {
    raw.close();
  }
}

/** Tells the world what happened to its nodes while nobody watched. */
async function account(world: World, { edits }: Snapshot): Promise<void> {
  const { application, states } = world;
  const found = await world.nodes();
  for (const [index, [id, content]] of edits.entries()) {
    const isUndone = index === edits.length - 1 && found.get(id)?.content !== content;
    application.texts.set(hashOf(found, id, content), content);
    if (isUndone) continue;
    application.contents.set(id, { content, metadata: application.contents.get(id)?.metadata ?? {} });
    application.written.add(id);
    const { contentHash = '', ...node } = found.get(id) ?? {};
    world.start.set(
      id,
      stateOf({ ...node, ...embedded('a', content), contentHash, embeddedHash: contentHash }),
    );
  }
  for (const [id, node] of await world.nodes())
    if (sameStamp(node, models.b.info) && world.start.get(id) !== stateOf(node))
      states.planWrote(id, TARGET, world.start.get(id) ?? '');
}

function hashOf(found: Awaited<ReturnType<World['nodes']>>, id: string, content: string): string {
  const node = found.get(id);
  return node?.content === content ? node.contentHash : `unknown hash of ${content}`;
}

/** Before anyone goes on: nothing is mixed, and what the registry says is done is done. */
async function assertNothingLost(world: World, worker: Worker, planId: string): Promise<void> {
  const plan = await assertSound(world, worker, planId);
  const nodes = await world.nodes();
  for (const { nodeId, status } of await tasksOf(worker, planId)) {
    const node = nodes.get(nodeId);
    if (world.application.written.has(nodeId) || node === undefined) continue;
    if (status === 'completed' && plan.status === 'in_progress')
      assert.ok(isAtTarget(node, models.b.info), `${nodeId} is settled, and its vector is lost`);
    if (status === 'rolled_back')
      assert.equal(stateOf(node), world.start.get(nodeId), `${nodeId} counts as rolled back, and is not`);
  }
}

/** Whoever comes afterwards finishes, and everything can be undone. */
export async function assertGoesOn(
  world: World,
  planId: string,
  direction: 'forward' | 'back',
): Promise<void> {
  await world.clock.advance(LEASE_MS);
  const worker = await world.open({ isDead: () => true });
  await assertNothingLost(world, worker, planId);
  if (direction === 'forward') {
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);
  }
  const report = await world.run(worker.manager.rollbackMigration({ planId }));
  await assertRolledBack(world, worker, planId, direction === 'forward' ? report : undefined);
  const now = await world.nodeStates();
  for (const [id, before] of world.start) assert.equal(now.get(id), before, `${id} is not as it was`);
}
