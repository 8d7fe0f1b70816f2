/** plainjob: a job queue in SQLite. Adding is batched; taking and ending a job are a transaction each. */
import { join } from 'node:path';
import { better, defineQueue, defineWorker, JobStatus } from 'plainjob';
import { secondsOf } from '../measure.ts';
import { idOf } from '../scene.ts';
import { openRaw } from '../sqlite/connection.ts';

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** Jobs per second from taken to done, each job an id and nothing to do. */
export async function runPlainjob(
  folder: string,
  size: number,
  mode: 'as it comes' | 'durable',
): Promise<number> {
  const database = openRaw(join(folder, 'plainjob.sqlite'));
  const queue = defineQueue({ connection: better(database), logger: silent });
  if (mode === 'durable') database.pragma('synchronous=FULL');
  queue.addMany(
    'job',
    Array.from({ length: size }, (_, number) => idOf(number)),
  );
  const done = Promise.withResolvers<void>();
  let count = 0;
  const onCompleted = () => {
    count += 1;
    if (count === size) done.resolve();
  };
  const worker = defineWorker('job', () => {}, { queue, logger: silent, onCompleted });
  const seconds = await secondsOf(async () => {
    void worker.start();
    await done.promise;
  });
  await worker.stop();
  const left = size - queue.countJobs({ status: JobStatus.Done });
  queue.close();
  if (left > 0) throw new Error(`plainjob left ${left} jobs undone`);
  return size / seconds;
}
