import { existsSync } from 'node:fs';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { emptyFolder, notes, Project } from './project.ts';
import { hasTerminals, Screen } from './screen.ts';

const slow = ['--batch-size', '5', '--parallel', '1', '--throttle-ms', '3600000'];
const CTRL_C = '\u0003';

describe.skipIf(!hasTerminals)('on a terminal', () => {
  it('every screen fits 60, 80 and 120 columns', async () => {
    const nodes = notes(6).map((node, index) => ({
      ...node,
      id: `${node.id} ${'漢字🙂'.repeat(index * 5)}`,
    }));
    const project = await Project.make({ nodes });
    const planId = await project.planned();
    await project.json(['models', 'update', 'hashed', '--name', 'a long name of many words '.repeat(4)]);
    await project.json(['run', planId]);
    const calls = [
      ['models'],
      ['models', 'show', 'hashed'],
      ['plan', '--to', 'hashed', '--dry-run'],
      ['run', planId],
      ['status'],
      ['show', planId],
      ['tasks', planId],
      ['inspect', 'registry.sqlite'],
      ['rollback', planId, '--dry-run'],
      ['tune', planId, '--throttle-ms', '0'],
      ['no-such-command'],
      ['--help'],
    ];
    const tooWide = async (call: readonly string[], columns: number) => {
      const screen = new Screen(call, { cwd: project.folder, columns });
      await screen.ended;
      expect(screen.lines.length).toBeGreaterThan(0);
      return screen.lines.filter((line) => stringWidth(line) > columns);
    };
    // What fits the narrowest is asked of the others where tables, wrapped errors and help change with the width.
    const changing = calls.filter(([word = '']) => /^(status|tasks|inspect|tune|--help)$/.test(word));
    for (const [columns, asked] of [
      [60, calls],
      [80, changing],
      [120, changing],
    ] as const)
      expect(await Promise.all(asked.map((call) => tooWide(call, columns)))).toEqual(asked.map(() => []));
  }, 60_000);

  it('shows a bar with rate and the reason of throttling, stops at Ctrl-C, and says how to go on', async () => {
    const project = await Project.make({ nodes: notes(20) });
    const planId = await project.planned(slow);
    const screen = new Screen(['run', planId], { cwd: project.folder });
    await screen.until(/re-embedding █+░+ {2}25 % {2}5\/20/);
    screen.type(CTRL_C);
    expect(await screen.ended).toBe(3);
    expect(screen.text).toContain('Stopping after what is in hand; Ctrl-C again stops at once.');
    expect(screen.text).toContain(`evr run ${planId.slice(0, 8)} goes on.`);
  });

  it('ends at once at the second Ctrl-C', async () => {
    const stuck = `import { defineRegistryConfig } from '@registry/cli';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
const embedder = hashedNgram({ dimension: 64 });
export default defineRegistryConfig({
  registry: { registryDbPath: './registry.sqlite' },
  nodeStore: () => SqliteNodeStore.open({ path: './nodes.sqlite' }),
  embedders: [{
    spec: embedder.spec,
    embed: (...call) => (process.argv.includes('run') ? new Promise(() => setInterval(() => {}, 1000)) : embedder.embed(...call)),
  }],
});
`;
    const project = await Project.make({ nodes: notes(5), config: stuck });
    const planId = await project.planned();
    const screen = new Screen(['run', planId], { cwd: project.folder });
    await screen.until(/re-embedding .* 0\/5/);
    screen.type(CTRL_C);
    await screen.until(/Ctrl-C again/);
    screen.type(CTRL_C);
    expect(await screen.ended).toBe(3);
  });

  it('asks before it rolls back: no leaves all as it is, yes does it', async () => {
    const project = await Project.make({ nodes: notes(5) });
    const planId = await project.planned();
    await project.json(['run', planId]);
    const no = new Screen(['rollback', planId], { cwd: project.folder });
    await no.until(/restored +5 nodes[\s\S]*Roll the plan back\?/);
    no.type('n');
    expect(await no.ended).toBe(2);
    expect(no.text).toContain('NOT_CONFIRMED');
    expect((await project.json(['show', planId])).data.plan.status).toBe('completed');

    const cancelled = new Screen(['rollback', planId], { cwd: project.folder });
    await cancelled.until(/Roll the plan back\?/);
    cancelled.type(CTRL_C);
    expect(await cancelled.ended).toBe(3);

    const yes = new Screen(['rollback', planId], { cwd: project.folder });
    await yes.until(/Roll the plan back\?/);
    yes.type('y');
    expect(await yes.ended).toBe(0);
    expect(yes.text).toMatch(/Rolled back: plan .*\nrestored +5 nodes, byte for byte/);
    expect((await project.json(['show', planId])).data.plan.status).toBe('rolled_back');
  });

  it('init asks what embeds the texts, and nothing else', async () => {
    const cwd = emptyFolder();
    const screen = new Screen(['init'], { cwd });
    await screen.until(/What embeds your texts\?/);
    screen.type('\r');
    expect(await screen.ended).toBe(0);
    expect(existsSync(`${cwd}/embedding-registry.config.ts`)).toBe(true);
  });

  it('is coloured, and not with NO_COLOR', async () => {
    const project = await Project.make();
    await project.json(['models', 'register']);
    const escapes = async (env: Record<string, string>) => {
      const screen = new Screen(['models'], { cwd: project.folder, env });
      await screen.ended;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
      return /\u001b\[\d+m/.test(screen.raw);
    };
    expect([await escapes({}), await escapes({ NO_COLOR: '1' })]).toEqual([true, false]);
  });
});

describe('without a terminal', () => {
  it('nothing is coloured, cut off or asked, and progress is a line now and then', async () => {
    const project = await Project.make({ nodes: notes(20) });
    const planId = await project.planned();
    const long = 'a name of many words '.repeat(20).trim();
    await project.json(['models', 'update', 'hashed', '--name', long]);
    const models = await project.run(['models']);
    expect(models.stdout).toContain(long);
    const run = await project.run(['run', planId]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(models.stdout + run.stdout + run.stderr).not.toMatch(/[\u001b\r]/);
    expect(run.stderr).toMatch(/^re-embedding █* *░* * *\d+ % {2}\d+\/20/);
    const refused = await project.run(['rollback', planId]);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('With --yes it is done.') });
    expect(refused.stdout).toContain('20 nodes, byte for byte');
  });
});
