/** `evr gate`, and what a cutover makes of its verdict. */
import { EmbeddingVersionManager } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { expect, it } from 'vitest';
import { Project } from './project.ts';

const NODES = 160;
const [old, target] = [hashedNgram({ dimension: 128 }), hashedNgram({ dimension: 192 })];

/** The embedder of the target goes wrong in the way that a variable says. */
const config = `import { defineRegistryConfig } from '@registry/cli';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
const [old, target] = [hashedNgram({ dimension: 128 }), hashedNgram({ dimension: 192 })];
const ways = {
  constant: (texts) => texts.map(() => 'the same for all'),
  prefixed: (texts, { purpose }) => texts.map((text) => (purpose === 'query' ? 'search query: ' : '') + text),
};
const change = ways[process.env.TARGET_IS ?? ''] ?? ((texts) => texts);
export default defineRegistryConfig({
  registry: { registryDbPath: './registry.sqlite' },
  nodeStore: () => SqliteNodeStore.open({ path: './nodes.sqlite' }),
  embedders: [old, { spec: target.spec, embed: (texts, options) => target.embed(change(texts, options), options) }],
});
`;

/** Words of a made-up language, another mixture in each text. */
function textOf(index: number): string {
  const word = (place: number) => ((index + 1) * 7919 * (place + 3) + place * place * 104729).toString(36);
  return Array.from({ length: 36 }, (_, place) => word(place)).join(' ');
}

async function plannedProject() {
  const project = await Project.make({ config });
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  const contents = Array.from({ length: NODES }, (_, index) => textOf(index));
  const vectors = await old.embed(contents, { purpose: 'document' });
  await store.upsert(
    contents.map((content, index) => ({
      id: `note-${index}`,
      content,
      metadata: { kind: index % 2 === 0 ? 'even' : 'odd' },
      vector: vectors[index]!,
      ...old.spec.info,
    })),
  );
  const manager = await EmbeddingVersionManager.open({
    dbPath: project.path('registry.sqlite'),
    nodeStore: store,
    embedders: [old, target],
  });
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  const { modelId: targetModelId, version: targetVersion } = target.spec;
  const { planId } = await manager.createMigration({ targetModelId, targetVersion });
  await manager.close();
  await store.close();
  return { project, planId, name: planId.slice(0, 8) };
}

const is = (TARGET_IS: string) => ({ env: { TARGET_IS } });

it('evr gate judges a plan, and a cutover keeps to it until somebody says why not', async () => {
  const { project, planId, name } = await plannedProject();
  const mine = Array.from(
    { length: 100 },
    (_, index) => `note-${index}\t${textOf(index).split(' ').slice(5, 15).join(' ')}`,
  );
  project.write('queries.tsv', [...mine, 'with no node of its own', ''].join('\n'));
  const sample = ['--sample', '160', '--generate', '160', '--seed', '4'];
  const [go, cutOff, unread] = await Promise.all([
    project.json(['gate', name, ...sample, '--k', '5', '--slice', 'kind', '--queries', 'queries.tsv']),
    project.json(['gate', name, ...sample, '--threshold', '0.4']),
    project.json(['gate', name, '--queries', 'none.tsv']),
  ]);
  expect(go).toMatchObject({ exitCode: 0, data: { verdict: 'go', planId, k: 5 } });
  expect(go.data).toMatchObject({ sample: { seed: 4, nodes: NODES, of: NODES } });
  expect(go.data.sample.queries).toMatchObject({ known: 100, open: 1 });
  expect(go.data.slices.map(({ value }: { value: string }) => value).toSorted()).toEqual(['"even"', '"odd"']);
  expect(cutOff).toMatchObject({ exitCode: 0, data: { of: 'queries', old: { score: 0.4 } } });
  expect(unread.exitCode).toBe(2);
  expect(unread.error?.message).toContain('none.tsv cannot be read (ENOENT)');

  // A prefix that queries have and documents have not: nobody but a person knows whether that is right.
  const doubted = await project.run(['gate', name, ...sample], is('prefixed'));
  expect([doubted.exitCode, doubted.stdout]).toEqual([1, expect.stringContaining(': INCONCLUSIVE')]);
  expect(doubted.stderr).toContain("The store's own search was not compared");
  expect(doubted.stderr).toContain(`evr cutover ${name} would let it pass`);
  const preview = await project.run(['cutover', name]);
  expect(preview.exitCode).toBe(2);
  expect(preview.stdout.replace(/\s+/g, ' ')).toContain('gate inconclusive, which lets pass');
  expect(preview.stderr.replace(/\s+/g, ' ')).toContain('else a prefix is wrong.');

  const worse = await project.run(['gate', name, ...sample], is('constant'));
  expect([worse.exitCode, worse.stdout]).toEqual([1, expect.stringContaining(': NO-GO')]);
  expect(worse.stderr).toContain(`evr cutover ${name} is refused now.`);
  const refused = await project.json(['cutover', name, '--yes']);
  expect([refused.exitCode, refused.error?.code]).toEqual([1, 'GATE_NO_GO']);
  const moved = await project.json(['cutover', name, '--yes', '--override-gate', 'it is a test']);
  expect(moved).toMatchObject({ exitCode: 0, data: { counts: { done: 0, total: NODES } } });
  const registry = await EmbeddingVersionManager.open({
    dbPath: project.path('registry.sqlite'),
    readOnly: true,
  });
  const { items } = await registry.listJournal({ planId });
  await registry.close();
  const verdicts = items.flatMap(({ action, details }) => (action === 'plan:gate' ? details?.verdict : []));
  // What a translation of a cut-off or a refused call found is no verdict.
  expect(verdicts).toEqual(['no-go', 'inconclusive', 'go']);
  expect(items.find(({ action }) => action === 'plan:gateOverridden')?.details).toEqual({
    why: 'it is a test',
    verdict: 'no-go',
  });
}, 60_000);
