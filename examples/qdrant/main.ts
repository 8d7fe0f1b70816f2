/**
 * A live Qdrant collection goes from vectors of one length to vectors of another, while somebody searches it
 * without a pause, and back again. Every ✓ is computed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { QdrantClient } from '@qdrant/js-client-rest';
import { type Embedder, EmbeddingVersionManager, witnessTexts } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { readCorpus, type Section } from '@registry/example-demo/corpus';
import { Screen } from '@registry/example-demo/screen';
import { QdrantNodeStore } from '@registry/qdrant';
import { Library } from './library.ts';
import { Reader } from './reader.ts';
import { openServer } from './server.ts';

const limit = Number(process.argv[2] ?? 2_000);
const BATCH = 100;
const queries = ['parse command line arguments', 'source maps of generated code', 'match file names'];
const screen = new Screen();
const [before, after] = [hashedNgram({ dimension: 256 }), hashedNgram({ dimension: 384 })];
/** Texts of points that were embedded with the old model; what its witness is looked at with is no such text. */
let embedded = 0;
const counted: Embedder = {
  spec: before.spec,
  embed: (texts, o) => {
    embedded += texts.filter((text) => !witnessTexts.includes(text)).length;
    return before.embed(texts, o);
  },
};
let holds = true;

const folder = mkdtempSync(join(tmpdir(), 'registry-qdrant-'));
try {
  await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = holds ? 0 : 1;

function prove(claim: string, isSo: boolean): void {
  holds &&= isSo;
  screen.proof(claim, isSo);
}

async function seconds(body: () => Promise<unknown>): Promise<string> {
  const startedAt = performance.now();
  await body();
  return secondsSince(startedAt);
}

function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(2)} s`;
}

interface Scene {
  readonly client: QdrantClient;
  readonly alias: string;
  readonly library: Library;
  readonly sections: readonly Section[];
  readonly nodeStore: QdrantNodeStore;
  readonly manager: EmbeddingVersionManager;
  readonly reader: Reader;
}

async function run(): Promise<void> {
  await using server = await openServer();
  const { client, alias, title } = server;
  const modules = fileURLToPath(new URL('../../node_modules/.pnpm', import.meta.url));
  const { sections, files } = readCorpus(modules, limit);

  screen.chapter('A live collection');
  const library = new Library(client, alias);
  await library.open(before);
  const filled = await seconds(() => library.add(sections, before));
  screen.say(`${sections.length} sections of ${files} Markdown files, in ${title}, in ${filled}`);
  const nodeStore = new QdrantNodeStore({ client, collection: alias, contentFields: ['text'] });
  await using manager = await EmbeddingVersionManager.open({
    dbPath: join(folder, 'registry.sqlite'),
    nodeStore,
    embedders: [counted, after],
    config: { migrationThrottleMs: 0, migrationBatchSize: 128 },
  });
  await manager.registerModel(after.spec.toJSON());
  await manager.registerModel({ ...before.spec.toJSON(), setActive: true });
  const reader = new Reader(client, alias, [before, after], queries);
  const scene: Scene = { client, alias, library, sections, nodeStore, manager, reader };
  try {
    await forthAndBack(scene);
    await withDualWrites(scene);
  } finally {
    await reader.stop();
  }
  screen.chapter('The reader');
  const asked = [...reader.byModel].map(([model, reads]) => `${reads} with ${model}`).join(', ');
  screen.say(`${reader.reads} searches (${asked}), ${reader.hits} hits`);
  prove(
    'no search failed, and each hit was made by the model it was asked with',
    reader.failures.length === 0,
  );
  for (const failure of reader.failures.slice(0, 3)) screen.say(failure, 'red');
}

async function forthAndBack(scene: Scene): Promise<void> {
  screen.chapter('Beside it, another one');
  const planId = await migrate(scene);
  await proveAllAt(scene, after);
  screen.chapter('Back, with writes since');
  const rewritten = halfOf(scene, 1);
  const time = await seconds(() => scene.library.add(rewritten, after));
  screen.say(`${rewritten.length} texts were written to the new collection since the cutover, in ${time}`);
  const carried = await rollBack(scene, planId);
  await proveAllAt(scene, before);
  prove('they were embedded again by the old model, and no others', carried === rewritten.length);
}

async function withDualWrites(scene: Scene): Promise<void> {
  screen.chapter('Again, with writes to both sides');
  const planId = await migrate(scene);
  const rewritten = halfOf(scene, 0);
  const time = await seconds(() => writeToBoth(scene, rewritten));
  screen.say(`${rewritten.length} texts were written to both since the cutover, in ${time}`);
  const carried = await rollBack(scene, planId);
  await proveAllAt(scene, before);
  prove('nothing had to be embedded again', carried === 0);
}

/** One half of the library, which is written over the other one: every text is another one than stood there. */
function halfOf({ sections }: Scene, half: 0 | 1): readonly Section[] {
  const middle = Math.floor(sections.length / 2);
  return half === 0 ? sections.slice(0, middle) : sections.slice(middle, 2 * middle);
}

async function writeToBoth({ nodeStore }: Scene, sections: readonly Section[]): Promise<void> {
  const both = nodeStore.dualWrite();
  for (let start = 0; start < sections.length; start += BATCH) {
    const batch = sections.slice(start, start + BATCH);
    const texts = batch.map(({ content }) => content);
    const made = await Promise.all(
      [before, after].map((embedder) => embedder.embed(texts, { purpose: 'document' })),
    );
    const points = batch.map(({ content, metadata }, index) => ({
      id: String(1 + start + index),
      payload: { text: content, ...metadata },
      embeddings: [before, after].map(({ spec }, of) => ({ ...spec.info, vector: made[of]![index]! })),
    }));
    await both.upsert(points);
  }
}

/** Answers how many texts had to be embedded with the old model. */
async function rollBack({ manager, reader }: Scene, planId: string): Promise<number> {
  embedded = 0;
  const startedAt = performance.now();
  const back = reader.nextWith(before.spec).then(() => secondsSince(startedAt));
  await manager.rollbackMigration({ planId });
  const whole = secondsSince(startedAt);
  screen.say(`rolled back: readers back after ${await back}, all done after ${whole}`);
  screen.say(`${embedded} texts had to be embedded with the old model for it`);
  return embedded;
}

/** Fills the new collection while the library is changed, and moves its readers. */
async function migrate({ manager, library, sections }: Scene): Promise<string> {
  const { modelId: targetModelId, version: targetVersion } = after.spec;
  const plan = await manager.createMigration({ targetModelId, targetVersion });
  screen.say(`strategy ${plan.strategy}: ${plan.strategyReason}`);
  const changing = library.changeSome(sections.slice(0, 5), before);
  const time = await seconds(() => manager.runMigration(plan.planId));
  await changing;
  screen.say(`filled in ${time}, while 3 texts were edited, 2 deleted and 5 added`);
  screen.say(`readers moved in ${await seconds(() => manager.cutoverMigration({ planId: plan.planId }))}`);
  return plan.planId;
}

/** Every point behind the alias, by an exact count. */
async function proveAllAt({ client, alias, nodeStore }: Scene, { spec }: Embedder): Promise<void> {
  const { vectors } = (await client.getCollection(alias)).config.params;
  const { size } = vectors as { size: number };
  const counts = await nodeStore.countByModel();
  const { count } = await client.count(alias);
  const isAll = counts.length === 1 && counts[0]?.info?.embeddingModelId === spec.modelId;
  const isSo = isAll && counts[0]?.count === count && size === spec.dimension;
  prove(`all ${count} points behind the alias are stamped ${spec.modelId}`, isSo);
}
