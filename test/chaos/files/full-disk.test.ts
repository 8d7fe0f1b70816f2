/** A disk on which not a byte is left, under either file, whatever is under way. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../scene.ts';
import {
  assertUnharmed,
  type FileName,
  nodesOf,
  operations,
  Program,
  pathOf,
  reasonIn,
} from './operations.ts';
import { SmallDisk, whyNoSmallDisk } from './small-disk.ts';

const why = whyNoSmallDisk();
if (why !== undefined) console.info(`${why} Full disks are tried by limits of pages alone.`);

describe.runIf(why === undefined).each(['registry', 'nodes'] as const)(
  'full under the %s',
  (full: FileName) => {
    it.each(operations)('$name', async ({ writes, begin, act, isDone }) => {
      const disk = new SmallDisk(4);
      onTestFinished(() => disk.remove());
      const folders = { registry: temporaryFolder(), nodes: temporaryFolder(), [full]: disk.folder };
      const planId = await begin(folders);
      await using program = await Program.open(folders);
      const before = await nodesOf(program);
      disk.fill();
      const answer = await program.run(act(program, planId).catch((error: unknown) => error));
      const isFailed = writes.includes(full);
      expect(await isDone(program, planId)).toBe(!isFailed);
      if (isFailed) {
        expect(reasonIn(answer)).toMatchObject({
          code: 'DISK_FULL',
          message: expect.stringContaining(`${pathOf(folders, full)}: the disk is full`),
        });
        expect(await nodesOf(program)).toEqual(before);
      }
      disk.makeRoom();
      if (isFailed) await program.run(act(program, planId));
      expect(await isDone(program, planId)).toBe(true);
      await assertUnharmed(program);
    });
  },
);

it.runIf(why === undefined)('a worker that goes on with a rollback says what it waits for', async () => {
  const disk = new SmallDisk(4);
  onTestFinished(() => disk.remove());
  const folders = { registry: temporaryFolder(), nodes: disk.folder };
  const rollback = operations.find(({ name }) => name === 'a rollback')!;
  const planId = await rollback.begin(folders);
  await using program = await Program.open(folders);
  const { manager, clock } = program;
  disk.fill();
  // Begun, and left to whoever works.
  await rollback.act(program, planId, AbortSignal.abort());
  await manager.startWorker();
  while ((await manager.getWorkerStats()).waiting.length === 0) await clock.advance(1_000);
  expect((await manager.getWorkerStats()).waiting).toMatchObject([{ planId, code: 'DISK_FULL' }]);
  disk.makeRoom();
  while (!(await rollback.isDone(program, planId))) await clock.advance(1_000);
  await clock.advance(2_000);
  expect((await manager.getWorkerStats()).waiting).toEqual([]);
  await program.run(manager.stopWorker());
  await assertUnharmed(program);
});
