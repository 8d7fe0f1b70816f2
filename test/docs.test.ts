/** Every sample of the documentation runs, in the order of its page, and prints what the page shows. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startQdrantDouble } from '@registry/qdrant-double';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadLinks } from '../docs/generator/check-links.ts';
import { commandTable } from '../packages/cli/src/command-table.ts';
import { buildProgram } from '../packages/cli/src/program.ts';
import type { Played } from './docs/play.ts';
import { missingLines, type Sample, samplesOf, wordsOf } from './docs/samples.ts';
import { sampleRuntime } from './sample-runtime.ts';

const player = join(import.meta.dirname, 'docs/play.ts');
const configuration = 'embedding-registry.config.ts';
const pages = globSync(['*.md', 'guides/*.md'], { cwd: 'docs' })
  .map((page) => page.replaceAll('\\', '/'))
  .sort();

/** What a page takes for given, as files of its folder. */
const given: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'guides/mnemocore.md': {
    'data/embedding_registry.sqlite': 'packages/core/test/fixtures/origin-fresh.sqlite',
  },
};

let root: string;
let server: Awaited<ReturnType<typeof startQdrantDouble>>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'registry-docs-'));
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'), 'junction');
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  server = await startQdrantDouble();
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, maxRetries: 3 });
});

function folderOf(page: string): string {
  const folder = mkdtempSync(join(root, page.replaceAll(/\W+/g, '-')));
  for (const [name, source] of Object.entries(given[page] ?? {})) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(source, join(folder, name));
  }
  return folder;
}

/** In one process, or several where a file changes in between: modules are loaded once. */
async function play(folder: string, samples: readonly Sample[]): Promise<void> {
  let batch: Sample[] = [];
  for (const sample of samples) {
    const isOther = (one: Sample) =>
      one.kind === 'file' && sample.kind === 'file' && one.name === sample.name;
    if (isConfiguration(sample) || batch.some(isOther)) {
      await playBatch(folder, batch);
      batch = [];
    }
    batch.push(sample);
  }
  await playBatch(folder, batch);
}

function isConfiguration(sample: Sample): boolean {
  return sample.kind === 'file' && sample.name === configuration;
}

async function playBatch(folder: string, samples: readonly Sample[]): Promise<void> {
  for (const sample of samples)
    if (sample.kind === 'file') writeFileSync(join(folder, sample.name), sample.text);
  const lines = samples.flatMap((sample) => (sample.kind === 'command' ? [sample.line] : []));
  if (lines.length === 0) return;
  const [commandFile, resultFile] = [join(folder, 'commands.json'), join(folder, 'results.json')];
  writeFileSync(commandFile, JSON.stringify(lines));
  await promisify(execFile)(sampleRuntime, [player, commandFile, resultFile], {
    cwd: folder,
    env: { ...process.env, QDRANT_URL: server.url, NODE_NO_WARNINGS: '1' },
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  const played = JSON.parse(readFileSync(resultFile, 'utf8')) as readonly Played[];
  let at = 0;
  let printed = '';
  let isFresh = true;
  for (const sample of samples) {
    if (sample.kind === 'output') expect(missingLines(sample.lines, printed), printed).toEqual([]);
    isFresh ||= sample.kind !== 'command';
    if (sample.kind !== 'command') continue;
    const one = played[at++]!;
    expect(one, one.printed).toMatchObject({ line: sample.line, exitCode: sample.exitCode });
    printed = isFresh ? one.printed : printed + one.printed;
    isFresh = false;
  }
}

describe('the samples of the documentation', () => {
  it.each(pages)('%s', { timeout: 120_000 }, async (page) => {
    const { samples, program } = samplesOf(readFileSync(join('docs', page), 'utf8'));
    await play(folderOf(page), samples);
    if (program === '') return;
    await play(folderOf(page), [
      { kind: 'file', name: 'program.ts', text: program },
      { kind: 'command', line: 'node program.ts', exitCode: 0 },
    ]);
  });

  it('would be missed where they fail, or print something else', { timeout: 120_000 }, async () => {
    const run = (markdown: string) => play(folderOf('broken'), samplesOf(markdown).samples);
    await expect(run("```ts\nthrow new Error('broken');\n```\n")).rejects.toThrow();
    await expect(run('```sh\nevr plan --to nothing\n```\n')).rejects.toThrow();
    await expect(run('```ts\nconsole.log(1);\n```\n\n```text\ntwo\n```\n')).rejects.toThrow();
    await expect(run('```sh\nrm file\n```\n')).rejects.toThrow();
  });
});

describe('the examples of the commands, in `--help` and in the reference', () => {
  const lines = commandTable.flatMap(({ words, example }) => example.map((line) => [words, line] as const));

  it.each(lines)('%s: %s', async (words, line) => {
    const called: string[] = [];
    const program = buildProgram(async (definition) => void called.push(definition.words), '0');
    // The program's own part of a pipe.
    const own = line.split('|').find((part) => part.includes(`evr ${words.split(' ')[0]}`))!;
    const parameters = wordsOf(own.replace(/>.*/, '')).slice(1);
    await program.parseAsync(parameters, { from: 'user' });
    expect(called).toEqual([words]);
  });
});

describe('the page of the editor', () => {
  it('names commands and buttons as the editor does', () => {
    const read = (file: string) =>
      Object.values(JSON.parse(readFileSync(`extensions/vscode/${file}`, 'utf8')) as Record<string, string>);
    const titles = [...read('package.nls.json'), ...read('l10n/bundle.l10n.json')];
    const page = readFileSync('docs/guides/editor.md', 'utf8').replaceAll(/\*\*[^*]+\*\*/g, '');
    const named = [...page.matchAll(/\*([A-Z][^*]+)\*/g)].map(([, name]) => name!.replaceAll(/\s+/g, ' '));
    const known = [...titles, 'Models', 'Extensions: Install from VSIX…', 'Embedding Registry'];
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !known.includes(name.replace('Embedding Registry: ', '')))).toEqual([]);
  });
});

describe('the check of links', () => {
  it('names pages, places and files that are not there, and no others', () => {
    const folder = mkdtempSync(join(root, 'site'));
    const page = (...links: readonly string[]) =>
      `<h1 id="top">A</h1>${links.map((link) => `<a href="${link}">x</a>`).join('')}`;
    writeFileSync(
      join(folder, 'a.html'),
      page('/b', './b#top', '#top', 'https://example.org/', '/b#none', '/c'),
    );
    writeFileSync(join(folder, 'b.html'), page('a.html#top', '/picture.svg'));
    expect(deadLinks(folder)).toEqual(['a.html: /b#none', 'a.html: /c', 'b.html: /picture.svg']);
  });
});
