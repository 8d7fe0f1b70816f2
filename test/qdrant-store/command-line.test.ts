/** `evr` over a collection that is served: each of its processes finds the sides where the last one left them. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hashedNgram } from '@registry/embedders';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtPackage } from '../../packages/cli/test/built-program.ts';
import { evr, evrJson } from '../../packages/cli/test/evr.ts';
import { emptyFolder } from '../../packages/cli/test/project.ts';
import { ALIAS, COLLECTION, type MadeStore, makeStore } from './harness.ts';

const old = hashedNgram({ dimension: 64 });
const configuration = (url: string) => `import { QdrantClient } from '@qdrant/js-client-rest';
import { hashedNgram } from '@registry/embedders';
import { QdrantNodeStore } from '@registry/qdrant';
const client = new QdrantClient({ url: '${url}', checkCompatibility: false });
export default {
  registry: { registryDbPath: './registry.sqlite' },
  nodeStore: () => new QdrantNodeStore({ client, collection: '${ALIAS}', contentFields: ['text'] }),
  embedders: [hashedNgram({ dimension: 64 }), hashedNgram({ dimension: 128 })],
};
`;

async function project({ double }: MadeStore): Promise<string> {
  const folder = emptyFolder();
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@registry'), { recursive: true });
  mkdirSync(join(modules, '@qdrant'));
  const root = resolve(import.meta.dirname, '../..');
  for (const name of ['core', 'embedders', 'qdrant'])
    symlinkSync(builtPackage(name), join(modules, '@registry', name), 'junction');
  const client = '@qdrant/js-client-rest';
  symlinkSync(join(root, 'node_modules', client), join(modules, client), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'embedding-registry.config.ts'), configuration(double.url));
  return folder;
}

async function fill({ client }: MadeStore): Promise<void> {
  const texts = Array.from({ length: 6 }, (_, index) => `The text of point number ${index}.`);
  const vectors = await old.embed(texts, { purpose: 'document' });
  const { modelId, version, checksum } = old.spec;
  const stamp = { embedding_model_id: modelId, embedding_version: version, embedding_checksum: checksum };
  await client.upsert(ALIAS, {
    wait: true,
    points: texts.map((text, id) => ({
      id,
      vector: { text: [...vectors[id]!] },
      payload: { text, ...stamp },
    })),
  });
}

describe('evr, side by side', () => {
  it('says how, moves readers, carries back or loses what came later, and drops by name', async () => {
    const made = await makeStore({ size: 64 });
    onTestFinished(() => made.double.close());
    await fill(made);
    const cwd = await project(made);
    const json = async (...words: string[]) => evrJson(words, { cwd });
    await json('models', 'register');
    expect(await json('models', 'activate', 'hashed_ngram_64', '--no-migrate', '--yes')).toMatchObject({
      exitCode: 0,
    });
    const dry = await json('plan', '--to', 'hashed_ngram_128', '--dry-run');
    expect(dry.data).toMatchObject({ total: 6, strategy: 'shadow', why: expect.stringContaining('alias') });
    const { data: plan } = await json('plan', '--to', 'hashed_ngram_128');
    expect(plan).toMatchObject({ strategy: 'shadow', strategyReason: expect.stringContaining('alias') });
    expect(await json('run', plan.planId)).toMatchObject({ exitCode: 0 });
    expect(await json('cutover', plan.planId, '--accept-behind', '2', '--yes')).toMatchObject({
      exitCode: 0,
    });
    await made.client.setPayload(ALIAS, { wait: true, points: [3], payload: { text: 'edited since' } });

    const preview = await evr(['rollback', plan.planId, '--dry-run', '--later-writes', 'lose'], { cwd });
    expect(preview.stdout).toMatch(/1 node written since \(3\): lost/);
    expect((await evr(['rollback', plan.planId, '--dry-run'], { cwd })).stdout).toMatch(/carried back first/);
    expect((await json('rollback', plan.planId, '--later-writes', 'keep')).exitCode).toBe(2);
    expect(await json('rollback', plan.planId, '--yes')).toMatchObject({
      data: { report: { remaining: 0 } },
    });
    const [point] = await made.client.retrieve(ALIAS, { ids: [3], with_payload: true });
    expect(point?.payload?.text).toBe('edited since');

    const refused = await json('finalize', plan.planId, '--drop', COLLECTION, '--yes');
    expect(refused).toMatchObject({ exitCode: 2, error: { code: 'CONFIRMATION_MISSING' } });
    const drop = String(refused.error?.details.name);
    expect(drop).toContain('hashed_ngram_128');
    expect(await json('finalize', plan.planId, '--drop', drop)).toMatchObject({
      error: { code: 'NOT_CONFIRMED', details: { preview: { drop } } },
    });
    expect(await json('finalize', plan.planId, '--drop', drop, '--yes')).toMatchObject({
      data: { dropped: drop },
    });
    expect((await made.client.getCollections()).collections.map(({ name }) => name)).toEqual([COLLECTION]);
  }, 90_000);
});
