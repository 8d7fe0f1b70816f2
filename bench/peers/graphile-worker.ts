/** graphile-worker on a PostgreSQL server of our own: both ends batched, as its own benchmark has it. */
import { chmodSync, chownSync } from 'node:fs';
import { dirname } from 'node:path';
import { Child } from '../processes/child.ts';
import type { PostgresAnswer, PostgresJob } from '../processes/postgres-engine.ts';

/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

/** Jobs per second from taken to done, each job an id and nothing to do. */
export async function runGraphileWorker(folder: string, size: number): Promise<number> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    for (const parent of [dirname(dirname(folder)), dirname(folder)]) chmodSync(parent, 0o711);
    chownSync(folder, NOBODY, NOBODY);
  }
  const job: PostgresJob = { folder, size };
  await using child = new Child<PostgresAnswer>('postgres-engine.ts', job, isRoot ? { uid: NOBODY } : {});
  const { jobsPerSecond } = await child.answer();
  return jobsPerSecond;
}
