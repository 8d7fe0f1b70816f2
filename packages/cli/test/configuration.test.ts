import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evrJson } from './evr.ts';
import { emptyFolder, oneRegistry, Project } from './project.ts';

const settings = (lines: string) => `import { defineRegistryConfig } from '@registry/cli';
export default defineRegistryConfig({ ${lines} });
`;

/** The message of a file that is refused, with \`evr models register\`, which would make the registry. */
async function refusal(config: string, options: { configName?: string } = {}): Promise<string> {
  const project = await Project.make({ config, ...options });
  const { exitCode, error } = await project.json(['models', 'register', '--id', 'm', '--dimension', '4']);
  expect({ exitCode, code: error?.code }).toEqual({ exitCode: 2, code: 'CONFIG_INVALID' });
  expect(error!.message).toContain(project.path(options.configName ?? 'embedding-registry.config.ts'));
  return error!.message;
}

describe('the configuration file', () => {
  it('is found from a folder below it, and its relative paths count from its own folder', async () => {
    const project = await Project.make();
    const below = project.path('deep/er');
    mkdirSync(below, { recursive: true });
    await project.json(['models', 'register'], { cwd: below });
    const { data } = await project.json(['status'], { cwd: below });
    expect(data).toMatchObject({
      registry: project.path('registry.sqlite'),
      configFile: project.path('embedding-registry.config.ts'),
    });
  });

  it.each(['module', 'commonjs', undefined] as const)(
    'may be TypeScript that Node does not run, beside a package.json of type %s',
    async (type) => {
      const config = `import { defineRegistryConfig } from '@registry/cli';
enum Retries { Few = 1 }
export default defineRegistryConfig({ registry: { maxRetries: Retries.Few, registryDbPath: 'r.sqlite' } });
`;
      const project = await Project.make({ config, type });
      const { exitCode, stderr } = await project.run(['models', 'register', '--id', 'm', '--dimension', '4']);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect((await project.json(['plan', '--to', 'm', '--nodes', '-'])).data.maxRetries).toBe(1);
    },
  );

  it('may be JavaScript with a function that makes the embedders', async () => {
    const config = oneRegistry.replace('embedders: [', 'embedders: async () => [');
    const project = await Project.make({ config, configName: 'embedding-registry.config.mjs' });
    expect((await project.json(['models', 'register'])).data.items).toHaveLength(1);
  });

  it('is chosen by --config, and is not needed with --db', async () => {
    const project = await Project.make({ configName: 'elsewhere.ts' });
    const unknown = await project.json(['status']);
    expect(unknown).toMatchObject({
      exitCode: 2,
      error: { code: 'USAGE', advice: expect.stringContaining('evr init') },
    });
    expect((await project.json(['models', 'register', '--config', 'elsewhere.ts'])).exitCode).toBe(0);
    const cwd = emptyFolder();
    expect(
      (await evrJson(['models', '--db', project.path('registry.sqlite')], { cwd })).data.items,
    ).toHaveLength(2);
  });
});

describe('a configuration file that is none', () => {
  it('is not blamed for a package.json above it that cannot be read', async () => {
    const project = await Project.make();
    project.write('package.json', '{ "type": ');
    const { error } = await project.json(['status']);
    expect(error?.code).toBe('CONFIG_INVALID');
    expect(error?.message).toMatch(/^\S+package\.json cannot be read as JSON: /);
  });

  it('is told, and not passed over for one above it or written over', async () => {
    const project = await Project.make();
    const below = project.path('below');
    mkdirSync(below);
    symlinkSync('nowhere', join(below, 'embedding-registry.config.ts'));
    const cwd = { cwd: below };
    expect((await project.json(['status'], cwd)).error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(join(below, 'embedding-registry.config.ts')),
    });
    expect((await project.json(['init'], cwd)).error?.message).toContain('exists already');
    const folder = await project.json(['status', '--config', 'below']);
    expect(folder.error?.message).toContain('it is a folder or device, not a file');
  });
});

describe('what a file is refused for, naming file, key, value and what to do', () => {
  it.each([
    ['a syntax error', 'export default {', /config\.ts, line \d is not valid TypeScript/],
    ['an error of its own', "throw new Error('no such thing');", /failed: no such thing/],
    ['no default export', 'export const a = 1;', /exports nothing by default; write export default/],
    [
      'an unknown key',
      settings('embedder: []'),
      /"embedder" is unknown \(it is a list of 0\)\. Allowed: registry, nodeStore, embedders/,
    ],
    ['a value of a wrong kind', settings('nodeStore: 5'), /"nodeStore" is 5\. Allowed: a function/],
    [
      'a setting out of range',
      settings('registry: { maxRetries: 101 }'),
      /"maxRetries" is not valid \(was 101, from registry of .*allowed: a whole number/,
    ],
    ['a setting by another name', settings('registry: { path: "x" }'), /"path" is unknown/],
    [
      'registries without files of their own',
      settings('registries: { a: {}, b: {} }'),
      /"registries\.a\.registry\.registryDbPath" is absent\. Give each registry a file/,
    ],
    [
      'registries of one file, however it is written',
      settings(
        "registries: { a: { registry: { registryDbPath: './r.sqlite' } }, b: { registry: { registryDbPath: 'r.sqlite' } } }",
      ),
      /"registries\.b\.registry\.registryDbPath" is "r\.sqlite", as that of a\./,
    ],
    [
      'keys beside registries',
      settings('registry: {}, registries: { a: {} }'),
      /"registry" stands beside registries/,
    ],
  ])('%s', async (_, config, expected) => {
    expect(await refusal(config)).toMatch(expected);
  });
});

describe('a secret in the file', () => {
  const secret = 'sk-abcdefghijklmnopqrstuv0123456789';

  it.each([
    `const options = { apiKey: 'not-a-known-shape' };\nexport default {};`,
    `const OPENAI_API_KEY = "${secret}";\nexport default {};`,
    `export default { embedders: () => [make(() => '${secret}')] };`,
    `export default { embedders: () => [make({ apiKey: () => 'not-a-known-shape' })] };`,
    `export default {}; // postgres://user:verysecret@host/database`,
    `export default { token: Math.random() };`,
  ])('is refused with advice, and not repeated: %s', async (config) => {
    const message = await refusal(config);
    expect(message).toContain("apiKey: () => process.env.OPENAI_API_KEY ?? ''");
    expect(message).not.toMatch(/abcdefgh|not-a-known|verysecret/);
  });

  it('is not what only looks a little like one', async () => {
    const text = `${oneRegistry}
const apiKey = () => process.env.OPENAI_API_KEY ?? '';
const tokenizer = 'cl100k_base';
const url = 'http://localhost:11434/v1';
export const used = [apiKey, tokenizer, url];
`;
    const project = await Project.make({ config: text });
    expect((await project.json(['models', 'register'])).exitCode).toBe(0);
  });
});

describe('the order of precedence', () => {
  it('is defaults, config.yaml, the file, variables, flags', async () => {
    const project = await Project.make({ config: settings('') });
    const batchSize = async (parameters: readonly string[] = [], env: Record<string, string> = {}) => {
      const { data } = await project.json(['plan', '--to', 'm', '--nodes', '-', ...parameters], {
        env,
        stdin: '',
      });
      return data.batchSize as number;
    };
    await project.json(['models', 'register', '--id', 'm', '--dimension', '4']);
    expect(await batchSize()).toBe(100);
    project.write('config.yaml', 'embedding_registry:\n  migration_batch_size: 11\n');
    expect(await batchSize()).toBe(11);
    project.write('embedding-registry.config.ts', settings('registry: { migrationBatchSize: 12 }'));
    expect(await batchSize()).toBe(12);
    const env = { HAIM_EMBEDDING_REGISTRY_MIGRATION_BATCH_SIZE: '13' };
    expect(await batchSize([], env)).toBe(13);
    expect(await batchSize(['--batch-size', '14'], env)).toBe(14);
  });

  it('holds for the path of the registry, which counts from where it was written', async () => {
    const project = await Project.make({
      config: settings("registry: { registryDbPath: 'of-file.sqlite' }"),
    });
    const below = project.path('below');
    mkdirSync(below);
    const made = async (parameters: readonly string[], env: Record<string, string> = {}) => {
      await project.json(['models', 'register', '--id', 'm', '--dimension', '4', ...parameters], {
        cwd: below,
        env,
      });
      return (await project.json(['status', ...parameters], { cwd: below, env })).data.registry as string;
    };
    const env = { HAIM_EMBEDDING_REGISTRY_DB_PATH: 'of-variable.sqlite' };
    expect(await made([])).toBe(project.path('of-file.sqlite'));
    expect(await made([], env)).toBe(join(below, 'of-variable.sqlite'));
    expect(await made(['--db', 'of-flag.sqlite'], env)).toBe(join(below, 'of-flag.sqlite'));
  });
});

describe('several registries in one file', () => {
  it('are chosen by name', async () => {
    const of = (name: string) => `${name}: { registry: { registryDbPath: './${name}.sqlite' } }`;
    const project = await Project.make({
      config: settings(`registries: { ${of('docs')}, ${of('images')} }`),
    });
    const register = ['models', 'register', '--id', 'm', '--dimension', '4'];
    expect(await project.json(register)).toMatchObject({
      exitCode: 2,
      error: { code: 'AMBIGUOUS', details: { registries: ['docs', 'images'] } },
    });
    expect((await project.json([...register, '--registry', 'films'])).error?.message).toContain('"films"');
    await project.json([...register, '--registry', 'docs']);
    const { data } = await project.json(['status', '--registry', 'docs']);
    expect(data).toMatchObject({ name: 'docs', registry: project.path('docs.sqlite') });
    expect((await project.json(['status', '--registry', 'images'])).exitCode).toBe(2);
  });
});
