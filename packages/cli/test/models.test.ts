import { readdirSync, rmSync } from 'node:fs';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it } from 'vitest';
import { notes, Project } from './project.ts';

/** Nodes whose vectors somebody made with `hashed_ngram_64`, and wrote without saying so. */
async function fillUnstamped(project: Project, madeOf = ''): Promise<void> {
  const nodes = notes(6);
  const texts = nodes.map(({ content }) => madeOf + content);
  const vectors = await hashedNgram({ dimension: 64 }).embed(texts, { purpose: 'document' });
  const store = await SqliteNodeStore.open({ path: project.path('nodes.sqlite') });
  for (const [index, { id, content, kind }] of nodes.entries())
    await store.upsert({ id, content, metadata: { kind }, vector: vectors[index]! });
  await store.close();
}

describe('vectors without a stamp', () => {
  it('are stamped after a sample agrees and with a yes, in part or all', async () => {
    const project = await Project.make();
    await fillUnstamped(project);
    await project.json(['models', 'register']);
    const stamp = (...parameters: string[]) => project.json(['stamp', '--as', ...parameters]);
    expect(await stamp('hashed')).toMatchObject({
      exitCode: 2,
      error: { code: 'NOT_CONFIRMED', details: { preview: { unstamped: 6 } } },
    });
    const odd = await stamp('hashed', '--where', 'kind=odd', '--yes');
    expect(odd).toMatchObject({ exitCode: 0, data: { stamped: 3 } });
    const counted = await project.run(['models', 'list', '--nodes']);
    expect(counted.stdout).toMatch(/hashed_ngram_64:v1 +3 .*\nWithout a stamp: 3 nodes\n$/s);
    const { data } = await project.json(['models', 'list', '--nodes']);
    expect(data.nodes.map(({ count }: { count: number }) => count)).toEqual([3, 3]);
    const rest = await project.run(['stamp', '--as', 'hashed', '--yes']);
    expect(rest).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Stamped: 3 nodes') });
    expect((await project.json(['plan', '--to', 'hashed', '--dry-run'])).data.total).toBe(0);

    // Every node is at the model now, so nothing is left behind and nothing is asked.
    const active = await project.json(['models', 'activate', 'hashed', '--no-migrate']);
    expect(active).toMatchObject({ exitCode: 0, data: { model: { modelId: 'hashed_ngram_64' } } });
  });
});

describe('a node store that is not there', () => {
  it('is not made by whoever looks: counting, estimating, diagnosing', async () => {
    const project = await Project.make();
    await project.json(['models', 'register']);
    for (const name of readdirSync(project.folder)) if (name.startsWith('nodes.')) rmSync(project.path(name));
    const counted = await project.json(['models', 'list', '--nodes']);
    expect(counted).toMatchObject({ exitCode: 2, error: { code: 'DATABASE_UNAVAILABLE' } });
    const estimated = await project.json(['plan', '--to', 'hashed', '--dry-run']);
    expect(estimated.exitCode).not.toBe(0);
    const diagnosed = await project.json(['doctor']);
    expect(diagnosed.exitCode).toBe(0);
    expect(diagnosed.data.nodes).toBeUndefined();
    expect(readdirSync(project.folder).filter((name) => name.startsWith('nodes.'))).toEqual([]);
  });
});

describe('vectors of something else', () => {
  it('are not stamped, whoever says yes', async () => {
    const project = await Project.make();
    await fillUnstamped(project, 'translated by other words: ');
    await project.json(['models', 'register']);
    const refused = await project.json(['stamp', '--as', 'hashed', '--yes']);
    expect(refused).toMatchObject({ exitCode: 1, error: { code: 'STAMP_MISMATCH' } });
    const { data } = await project.json(['plan', '--to', 'hashed', '--dry-run']);
    expect(data.sources).toEqual([{ count: 6 }]);
  });
});

describe('the active model', () => {
  it('is switched with a plan, or over the nodes with a yes; nothing in use is removed', async () => {
    const project = await Project.make({ nodes: notes(4) });
    await project.json(['models', 'register']);
    const refused = await project.run(['models', 'activate', 'hashed']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('evr models activate <model> --migrate');
    expect(refused.stderr).not.toContain('migrateExisting');
    const over = await project.json(['models', 'activate', 'hashed', '--no-migrate']);
    expect(over).toMatchObject({ exitCode: 2, error: { code: 'NOT_CONFIRMED' } });
    const { data } = await project.json(['models', 'activate', 'hashed', '--migrate']);
    expect(data).toMatchObject({ model: { modelId: 'hashed_ngram_64' }, plan: { totalNodes: 4 } });

    const inUse = await project.json(['models', 'remove', 'binary', '--yes']);
    expect(inUse).toMatchObject({ exitCode: 2, error: { code: 'MODEL_IN_USE' } });
    const cancelled = await project.json(['cancel', data.plan.planId, '--yes']);
    expect(cancelled).toMatchObject({ exitCode: 0, data: { plan: { status: 'cancelled' } } });

    await project.json(['models', 'register', '--id', 'spare', '--dimension', '4']);
    const asked = await project.json(['models', 'remove', 'spare']);
    expect(asked).toMatchObject({ exitCode: 2, error: { code: 'NOT_CONFIRMED' } });
    expect((await project.json(['models', 'remove', 'spare', '--yes'])).exitCode).toBe(0);
    const left = (await project.json(['models'])).data.items as { modelId: string }[];
    expect(left.map(({ modelId }) => modelId).sort()).toEqual(['binary_hdv', 'hashed_ngram_64']);
  });
});
