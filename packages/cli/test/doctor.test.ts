import { readdirSync, readFileSync, statSync } from 'node:fs';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it } from 'vitest';
import { notes, oneRegistry, Project } from './project.ts';
import { hasTerminals, Screen } from './screen.ts';

/** Nodes as the one embedder of the configuration makes them. */
async function healthy(): Promise<Project> {
  const project = await Project.make();
  const embedder = hashedNgram({ dimension: 64 });
  const nodes = notes(24);
  const vectors = await embedder.embed(
    nodes.map(({ content }) => content),
    { purpose: 'document' },
  );
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  for (const [index, { id, content }] of nodes.entries())
    await store.upsert({ id, content, vector: vectors[index]!, ...embedder.spec.info });
  await store.close();
  return project;
}

async function edit(project: Project, node: object): Promise<void> {
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  await store.upsert(node as Parameters<typeof store.upsert>[0] & { id: string });
  await store.close();
}

/** As after an edit: the vector is of another text than the node's. */
async function makeStale(project: Project, nodeId: string): Promise<void> {
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  const [node] = await store.read([nodeId]);
  const { spec } = hashedNgram({ dimension: 64 });
  const set = { ...spec.info, vector: node!.vector!, embeddedHash: 'of what it said before' };
  await store.write([{ nodeId, fence: node!.fence, set }]);
  await store.close();
}

/** Names and bytes of everything in the folder. */
function listing({ folder }: Project): unknown {
  const names = readdirSync(folder).filter((name) => statSync(`${folder}/${name}`).isFile());
  return names.sort().map((name) => [name, readFileSync(`${folder}/${name}`).toString('base64')]);
}

const changed = oneRegistry.replace('dimension: 64', 'dimension: 128');

describe('evr doctor --ci', () => {
  it('passes by configuration and nodes alone, and creates no file', async () => {
    const project = await healthy();
    const before = listing(project);
    expect(await project.json(['doctor', '--ci'])).toMatchObject({
      exitCode: 0,
      data: { nodes: 24, findings: [], failing: 0 },
    });
    expect(listing(project)).toEqual(before);
  });

  it('fails for another embedder, for nodes without a stamp and stale ones, and for drift', async () => {
    const project = await healthy();
    const failing = async () => {
      const { exitCode, data } = await project.json(['doctor', '--ci']);
      return [exitCode, ...data.findings.map(({ code }: { code: string }) => code)];
    };
    project.write('embedding-registry.config.ts', changed);
    const before = listing(project);
    expect(await failing()).toEqual([1, 'STAMP_UNKNOWN']);
    expect(listing(project)).toEqual(before);
    project.write('embedding-registry.config.ts', oneRegistry);
    await edit(project, { id: 'raw', content: 'raw', vector: new Float32Array(64).fill(1) });
    await makeStale(project, 'note-001');
    expect((await failing()).sort()).toEqual([1, 'STALE', 'UNSTAMPED']);
  });

  it('fails with a registry too, which it leaves as it was', async () => {
    const project = await healthy();
    await project.json(['models', 'register', '--active']);
    const before = listing(project);
    expect((await project.json(['doctor', '--ci'])).exitCode).toBe(0);
    project.write('embedding-registry.config.ts', changed);
    const { exitCode, data } = await project.json(['doctor', '--ci']);
    expect([exitCode, ...data.findings.map(({ code }: { code: string }) => code)]).toEqual([
      1,
      'EMBEDDER_MISSING',
      'EMBEDDER_NOT_ACTIVE',
    ]);
    project.write('embedding-registry.config.ts', oneRegistry);
    expect(listing(project)).toEqual(before);
  });
});

describe('evr doctor', () => {
  it('lists every node with a finding, which unstamp takes', async () => {
    const project = await healthy();
    await project.json(['models', 'register', '--active']);
    const embedder = binaryHdv({ dimension: 64 });
    const [vector] = await embedder.embed(['x'], { purpose: 'document' });
    for (let index = 0; index < 7; index++)
      await edit(project, { id: `bits-${index}`, content: 'x', vector: vector!, ...embedder.spec.info });
    const listed = await project.run(['doctor', '--list', 'stamp_unknown']);
    expect(listed.stdout.trim().split('\n')).toHaveLength(7);
    const done = await project.json(['unstamp', '--nodes', '-', '--yes'], { stdin: listed.stdout });
    expect(done).toMatchObject({ exitCode: 0, data: { unstamped: 7, skipped: 0 } });
    const after = await project.run(['doctor']);
    expect(after.exitCode).toBe(0);
    expect(after.stdout).toContain('7 nodes have a vector that nobody stamped');
    expect(after.stdout).not.toMatch(/createMigration|stampNodes/);
    expect((await project.json(['doctor', '--list', 'NOTHING'])).exitCode).toBe(2);
  });

  it.runIf(hasTerminals)('fits a screen of 80 columns', async () => {
    const project = await healthy();
    await makeStale(project, 'note-001');
    await edit(project, { id: 'raw', content: 'raw', vector: new Float32Array(64).fill(1) });
    const screen = new Screen(['doctor'], { cwd: project.folder });
    expect(await screen.ended).toBe(0);
    expect(screen.text).toContain('STALE');
    expect(Math.max(...screen.lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('evr witness', () => {
  it('agrees, tells drift with exit code 1, and is renewed with a yes', async () => {
    const project = await healthy();
    await project.json(['models', 'register', '--active']);
    expect(await project.json(['witness'])).toMatchObject({
      exitCode: 0,
      data: { items: [{ state: 'agrees', similarity: 1, texts: 7 }] },
    });
    const prefixed = oneRegistry
      .replace('export default', 'const inner = hashedNgram({ dimension: 64 });\nexport default')
      .replace(
        '[hashedNgram({ dimension: 64 })]',
        "[{ ...inner, embed: (texts, o) => inner.embed(texts.map((text) => 'passage: ' + text), o) }]",
      );
    project.write('embedding-registry.config.ts', prefixed);
    const drifted = await project.json(['witness']);
    expect(drifted).toMatchObject({ exitCode: 1, data: { items: [{ error: { code: 'MODEL_DRIFTED' } }] } });
    const doctor = await project.json(['doctor', '--ci']);
    const codes = doctor.data.findings.map(({ code }: { code: string }) => code);
    expect([doctor.exitCode, ...codes]).toEqual([1, 'MODEL_DRIFTED', 'VECTORS_DIFFER']);
    expect((await project.json(['witness', 'hashed', '--renew'])).error?.code).toBe('NOT_CONFIRMED');
    expect((await project.json(['witness', 'hashed', '--renew', '--yes'])).exitCode).toBe(0);
    expect((await project.json(['witness'])).exitCode).toBe(0);
  });
});
