/** A collection with two sides, over HTTP: what an application wrote meanwhile, and the names of what is dropped. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALIAS, COLLECTION, type MadeStore, makeStore } from '../qdrant-store/harness.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const [old, target] = [hashedNgram({ dimension: 64 }), hashedNgram({ dimension: 128 })];
let window: Window;
let made: MadeStore;
let planId = '';

const registryPath = (workspace: string) => join(workspace, 'embedding_registry.sqlite');

/** The configuration file of an application that embeds with models of these dimensions. */
function configure(workspace: string, dimensions: readonly number[]): void {
  writeFileSync(
    join(workspace, 'embedding-registry.config.ts'),
    `import { QdrantClient } from '@qdrant/js-client-rest';
import { hashedNgram } from '@registry/embedders';
import { QdrantNodeStore } from '@registry/qdrant';
const client = new QdrantClient({ url: '${made.double.url}', checkCompatibility: false });
export default {
  registry: { registryDbPath: './embedding_registry.sqlite' },
  nodeStore: () => new QdrantNodeStore({ client, collection: '${ALIAS}', contentFields: ['text'] }),
  embedders: [${dimensions.map((dimension) => `hashedNgram({ dimension: ${dimension} })`).join(', ')}],
};
`,
  );
}

function install(workspace: string): void {
  const modules = join(workspace, 'node_modules');
  for (const scope of ['@registry', '@qdrant']) mkdirSync(join(modules, scope), { recursive: true });
  for (const name of ['core', 'cli', 'embedders', 'qdrant'])
    symlinkSync(resolve('packages', name), join(modules, '@registry', name));
  const client = '@qdrant/js-client-rest';
  symlinkSync(resolve('node_modules', client), join(modules, client));
  writeFileSync(join(workspace, 'package.json'), '{ "type": "module" }\n');
}

/** Six points of the old model, and a plan that has brought all of them to the new side. */
async function migrate(workspace: string): Promise<string> {
  const texts = Array.from({ length: 6 }, (_, index) => `The text of point number ${index}.`);
  const vectors = await old.embed(texts, { purpose: 'document' });
  const { modelId, version, checksum } = old.spec;
  const stamp = { embedding_model_id: modelId, embedding_version: version, embedding_checksum: checksum };
  const points = texts.map((text, id) => ({
    id,
    vector: { text: [...vectors[id]!] },
    payload: { text, ...stamp },
  }));
  await made.client.upsert(ALIAS, { wait: true, points });
  await using manager = await EmbeddingVersionManager.open({
    dbPath: registryPath(workspace),
    nodeStore: made.store,
    embedders: [old, target],
  });
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  const to = { targetModelId: target.spec.modelId, targetVersion: 1, throttleMs: 0 };
  const plan = await manager.createMigration(to);
  await manager.runMigration(plan.planId);
  return plan.planId;
}

async function look<T>(body: (manager: EmbeddingVersionManager) => Promise<T>): Promise<T> {
  const dbPath = registryPath(window.home.workspace);
  await using manager = await EmbeddingVersionManager.open({ dbPath, readOnly: true });
  return await body(manager);
}

const activeModel = async () => (await look((manager) => manager.getActiveModel())).modelId;
const edit = (id: number) =>
  made.client.setPayload(ALIAS, { wait: true, points: [id], payload: { text: `Edited since, ${id}.` } });
const collections = async () =>
  (await made.client.getCollections()).collections.map(({ name }) => name).toSorted();

picturesOfFailures(() => window);
beforeAll(async () => {
  made = await makeStore({ size: 64 });
  window = await openWindow(async (workspace) => {
    install(workspace);
    configure(workspace, [64, 128]);
    planId = await migrate(workspace);
  });
  await window.workbench.activity('Embedding Registry').click();
  await window.workbench.row('Completed').waitFor();
});
afterAll(async () => {
  await window?.close();
  await made?.double.close();
});

it('readers are not moved past what was written meanwhile, unless somebody accepts it', async () => {
  const { workbench, home } = window;
  // Nobody here can bring over what is written, or judge it.
  configure(home.workspace, [64]);
  await edit(3);
  await workbench.runCommand('Embedding Registry: Cut Over');
  await workbench.pick(planId);
  const question = workbench.dialog('Make hashed_ngram_128:v1 the active model?');
  await question.filter({ hasText: 'The gate could not be asked' }).waitFor();
  await workbench.press('Cut Over');
  await workbench
    .dialog('Readers were not moved.')
    .filter({ hasText: '1 node is not on the new side yet' })
    .waitFor();
  expect(await activeModel()).toBe('hashed_ngram_64');
  await workbench.picture('nodes-behind');
  await workbench.press('Cut Over All the Same');
  await workbench.notification('hashed_ngram_128:v1 is the active model.').waitFor();
  expect(await activeModel()).toBe('hashed_ngram_128');
});

it('a rollback without the old embedder loses later writes only after a second question', async () => {
  const { workbench, home } = window;
  configure(home.workspace, [128]);
  await edit(2);
  await workbench.runCommand('Embedding Registry: Roll Back');
  await workbench.pick(planId);
  await workbench.dialog('Roll back ').waitFor();
  await workbench.press('Roll Back');
  await workbench.dialog('Readers were not moved back.').waitFor();
  expect(await activeModel()).toBe('hashed_ngram_128');
  await workbench.picture('later-writes');
  await workbench.press('Roll Back, Lose Later Writes');
  await workbench.notification('Rolled back:').waitFor();
  expect(await activeModel()).toBe('hashed_ngram_64');
});

it('a side is dropped by its name, typed', async () => {
  const { workbench } = window;
  const [dropped] = (await collections()).filter((name) => name !== COLLECTION);
  await workbench.runCommand('Embedding Registry: Give Backups Up');
  await workbench.pick(planId);
  await workbench.dialog('The side that readers do not use is dropped').waitFor();
  await workbench.press('Give Backups Up');
  await workbench.answer(COLLECTION, `Type ${dropped} to drop it`);
  expect(await collections()).toContain(dropped);
  await workbench.picture('drop-by-name');
  await workbench.answer(dropped!);
  await expect.poll(collections, { timeout: 60_000 }).toEqual([COLLECTION]);
});
