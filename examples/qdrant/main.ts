/**
 * A live Qdrant collection goes from vectors of one length to vectors of another, while somebody searches it
 * without a pause, and back again. Every ✓ is computed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { QdrantClient } from '@qdrant/js-client-rest';
import { type Embedder, EmbeddingVersionManager } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { readCorpus, type Section } from '@registry/example-demo/corpus';
import { Screen } from '@registry/example-demo/screen';
import { QdrantNodeStore } from '@registry/qdrant';
import { Library } from './library.ts';
import { Reader } from './reader.ts';
import { openServer } from './server.ts';

const limit = Number(process.argv[2] ?? 2_000);
const queries = ['parse command line arguments', 'source maps of generated code', 'match file names'];
const screen = new Screen();
const [before, after] = [hashedNgram({ dimension: 256 }), hashedNgram({ dimension: 384 })];
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
  return `${((performance.now() - startedAt) / 1000).toFixed(2)} s`;
}

interface Scene {
  readonly client: QdrantClient;
  readonly alias: string;
  readonly library: Library;
  readonly sections: readonly Section[];
  readonly nodeStore: QdrantNodeStore;
  readonly manager: EmbeddingVersionManager;
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
    embedders: [before, after],
    config: { migrationThrottleMs: 0, migrationBatchSize: 128 },
  });
  await manager.registerModel(after.spec.toJSON());
  await manager.registerModel({ ...before.spec.toJSON(), setActive: true });
  const reader = new Reader(client, alias, [before, after], queries);
  const scene: Scene = { client, alias, library, sections, nodeStore, manager };
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
  await scene.library.add(scene.sections.slice(0, 20), after);
  const time = await seconds(() => scene.manager.rollbackMigration({ planId }));
  screen.say(`20 texts were written since the cutover; carried back, and readers moved back, in ${time}`);
  await proveAllAt(scene, before);
}

async function withDualWrites(scene: Scene): Promise<void> {
  screen.chapter('Again, with writes to both sides');
  const planId = await migrate(scene);
  const both = scene.nodeStore.dualWrite();
  for (const [index, { content }] of scene.sections.slice(0, 20).entries()) {
    const made = [before, after].map(async ({ spec, embed }) => ({
      ...spec.info,
      vector: (await embed([content], { purpose: 'document' }))[0]!,
    }));
    const embeddings = await Promise.all(made);
    await both.upsert([{ id: String(index + 1), payload: { text: content }, embeddings }]);
  }
  const time = await seconds(() => scene.manager.rollbackMigration({ planId }));
  screen.say(`20 texts were written to both sides since; readers moved back in ${time}`);
  await proveAllAt(scene, before);
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
