import { join } from 'node:path';
import type { Embedder } from '@registry/core';
import { openAICompatible } from '@registry/embedders';
import type { Benchmark } from '../benchmark.ts';
import { alternate, ratios, secondsOf } from '../measure.ts';
import { Child } from '../processes/child.ts';
import type { ServerAnswer, ServerJob } from '../processes/embedding-server.ts';
import { figure, verdict } from '../report.ts';
import { after, before, costlessEmbedder, filledStore, inFolder, newRegistry, textOf } from '../scene.ts';

const LANES = 4;
const TEXTS = 64;
const MILLISECONDS = 50;
const LIMIT = (LANES * TEXTS * 1000) / MILLISECONDS;

/** Keeps a server busy that answers a batch of 64 texts in 50 ms, to four callers at once. */
export const saturation: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = LIMIT * (isFull ? 10 : 2);
  await using server = await startServer({ milliseconds: MILLISECONDS });
  const run = { size, batchSize: TEXTS, embedder: server.embedder };
  const measured = await alternate(rounds, {
    calls: () => bareCalls(server.embedder, size),
    lanes: () => migrate(folder, { ...run, lanes: LANES }),
    ahead: () => migrate(folder, { ...run, lanes: 2 * LANES }),
  });
  const share = (rates: readonly number[]) =>
    ratios(
      rates,
      rates.map(() => LIMIT),
    );
  return {
    name: 'saturation',
    title: `Saturation: ${LANES} lanes, ${TEXTS} texts a request, ${MILLISECONDS} ms an answer`,
    figures: [
      figure('limit: 4 × 64 / 50 ms', 'nodes/s', [LIMIT]),
      figure('calls alone, nothing else', 'nodes/s', measured.calls),
      figure('4 batches in flight', 'nodes/s', measured.lanes),
      figure('8 batches in flight, 4 calls', 'nodes/s', measured.ahead),
    ],
    verdicts: [
      verdict('4 batches beside the limit', '×', share(measured.lanes), '≥', 0.95),
      verdict('8 batches, 4 calls, beside the limit', '×', share(measured.ahead), '≥', 0.95),
    ],
    remarks: [],
  };
};

/** A server that says 429 above a fixed number of requests per second. */
export const rateLimit: Benchmark = async ({ folder, isFull, rounds }) => {
  const requestsPerSecond = 20;
  const limit = requestsPerSecond * TEXTS;
  const size = limit * (isFull ? 20 : 8);
  const retried: number[] = [];
  const { ours } = await alternate(isFull ? rounds : 2, {
    ours: async () => {
      await using server = await startServer({ milliseconds: MILLISECONDS, requestsPerSecond });
      const { embedder } = server;
      return await migrate(folder, { size, batchSize: TEXTS, lanes: LANES, embedder, retried });
    },
  });
  return {
    name: 'rate-limit',
    title: `Rate limit: ${requestsPerSecond} requests a second, then 429 and Retry-After`,
    figures: [figure('limit', 'nodes/s', [limit]), figure('migration', 'nodes/s', ours)],
    verdicts: [
      verdict(
        'beside the limit',
        '×',
        ratios(
          ours,
          ours.map(() => limit),
        ),
        '≥',
        0.9,
      ),
      verdict('tasks that lost a retry', 'tasks', retried, '≤', 0),
    ],
    remarks: [],
  };
};

async function startServer(job: ServerJob) {
  const child = new Child<ServerAnswer>('embedding-server.ts', job);
  const { port } = await child.answer();
  const { modelId, version, checksum, dimension } = after;
  const embedder = openAICompatible({
    baseURL: `http://127.0.0.1:${port}/v1`,
    model: modelId,
    version,
    checksum,
    dimension,
    limits: { texts: TEXTS, concurrency: LANES },
  });
  return { embedder, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** The rate at which four callers get answers who do nothing with them. */
async function bareCalls(embedder: Embedder, size: number): Promise<number> {
  const texts = Array.from({ length: TEXTS }, (_, index) => textOf(index));
  const calls = size / TEXTS / LANES;
  const lane = async () => {
    for (let call = 0; call < calls; call++) await embedder.embed(texts, { purpose: 'document' });
  };
  return size / (await secondsOf(() => Promise.all(Array.from({ length: LANES }, lane))));
}

interface Run {
  readonly size: number;
  readonly batchSize: number;
  readonly lanes: number;
  readonly embedder: Embedder;
  /** Takes the number of tasks whose retry count is not 0 afterwards. */
  readonly retried?: number[];
}

function migrate(parent: string, { size, batchSize, lanes, embedder, retried }: Run): Promise<number> {
  return inFolder(parent, async (folder) => {
    await using store = await filledStore(join(folder, 'nodes.sqlite'), size);
    const registry = join(folder, 'registry.sqlite');
    await using manager = await newRegistry(registry, store, before, [costlessEmbedder(before), embedder]);
    const { planId } = await manager.createMigration({
      targetModelId: after.modelId,
      targetVersion: after.version,
      batchSize,
      maxParallelWorkers: lanes,
      throttleMs: 0,
    });
    const seconds = await secondsOf(() => manager.runMigration(planId));
    const { status } = await manager.getMigration(planId);
    if (status !== 'completed') throw new Error(`The migration ended ${status}`);
    if (retried !== undefined) retried.push(await countRetried(manager, planId));
    return size / seconds;
  });
}

type Manager = Awaited<ReturnType<typeof newRegistry>>;

async function countRetried(manager: Manager, planId: string): Promise<number> {
  let count = 0;
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: Awaited<ReturnType<Manager['listTasks']>> = await manager.listTasks({
      planId,
      limit: 1000,
      after: next,
    });
    count += page.items.filter(({ retryCount }) => retryCount > 0).length;
    next = page.next;
  }
  return count;
}
