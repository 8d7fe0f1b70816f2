import { execFile } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startQdrantDouble } from '@registry/qdrant-double';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../packages/embedders/test/tiny-model/tiny-model.ts';
import { sampleRuntime } from './sample-runtime.ts';

/** What each example prints, in order. */
const prints: Readonly<Record<string, readonly string[]>> = {
  'README.md 1': ['completed', "nodeId: 'first'", "embeddingModelId: 'hashed_ngram_512'", 'true'],
  'packages/cli/README.md 1': [],
  'packages/core/README.md 1': ['pending 2', 'cancel'],
  'packages/embedders/README.md 1': [],
  'packages/embedders/README.md 2': [],
  'packages/embedders/README.md 3': [],
  'packages/embedders/README.md 4': [],
  'packages/embedders/README.md 5': ['hashed_ngram_256:v1:', 'true'],
  'packages/node-memory/README.md 1': ["id: 'b'", 'false'],
  'packages/node-memory/README.md 2': ['true'],
  'packages/qdrant/README.md 1': ['shadow', 'rolled back: true'],
};

const examples = globSync(['README.md', 'packages/*/README.md'])
  .sort()
  .flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(
      ([, code], index) => [`${file.replaceAll('\\', '/')} ${index + 1}`, code!] as const,
    ),
  );

let root: string;
let folder: string;
let server: Awaited<ReturnType<typeof startQdrantDouble>>;

beforeAll(async () => {
  server = await startQdrantDouble();
});
afterAll(() => server.close());

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'registry-readme-'));
  folder = join(root, 'example');
  mkdirSync(folder);
  // The packages are found as they are from the root of the workspace,
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterEach(() => rmSync(root, { recursive: true }));

/** Answers what it printed; rejects where it fails. */
function run(code: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  writeFileSync(join(folder, 'example.ts'), code);
  const env = { ...process.env, QDRANT_URL: server.url };
  return promisify(execFile)(sampleRuntime, ['example.ts'], { cwd: folder, env });
}

describe('the examples of the README files', () => {
  it('are all known here', () => {
    expect(examples.map(([name]) => name)).toEqual(Object.keys(prints).sort());
  });

  it.each(examples)('%s runs, also a second time', async (name, code) => {
    // and before them what only the package itself has.
    const ownModules = resolve(dirname(name), 'node_modules');
    if (name.startsWith('packages/')) symlinkSync(ownModules, join(folder, 'node_modules'), 'junction');
    writeTinyModel(join(folder, 'models/all-MiniLM-L6-v2'));
    for (const _ of ['first', 'second']) {
      const { stdout, stderr } = await run(code);
      expect(stderr).toBe('');
      let rest = stdout;
      for (const text of prints[name] ?? []) {
        expect(rest).toContain(text);
        rest = rest.slice(rest.indexOf(text) + text.length);
      }
    }
  });

  it('would notice one that fails', async () => {
    await expect(run("throw new Error('broken');")).rejects.toThrow('broken');
  });

  it('the one of the project has at most 15 lines of code', () => {
    const [, code] = examples.find(([name]) => name === 'README.md 1')!;
    expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15);
  });
});
