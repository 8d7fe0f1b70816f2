import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainedDependencies, runtimeDependencies } from './architecture/dependencies.ts';
import { rooms } from './architecture/rooms.ts';
import { doors, shapes, undocumented } from './architecture/shapes.ts';
import { parseSource, type Rule, readSources } from './architecture/source.ts';
import { committedTexts, machineTraces } from './architecture/texts.ts';
import { testWords, words } from './architecture/words.ts';

const product = readSources('packages/*/src', 'extensions/*/src');
const everything = [...product, ...readSources('{packages,extensions}/*/test', 'test', 'examples', 'bench')];

const laws = ([rules, sources]: readonly [readonly Rule[], typeof product]) =>
  rules.map((rule) => ({ ...rule, sources }));

describe('the house rules', () => {
  it('are applied to the sources of the packages', () => {
    expect(product.map(({ path }) => path)).toContain('packages/core/src/index.ts');
    expect(doors()).toContain('packages/core/src/sqlite/index.ts');
  });

  describe.each([
    ...laws([rooms, product]),
    ...laws([words, product]),
    ...laws([testWords, everything]),
    ...laws([shapes, everything]),
  ])('$law', ({ check, breach, sources }) => {
    it('is kept', () => {
      expect(check(sources)).toEqual([]);
    });

    it.each(Object.keys(breach))('would notice it in %s', (path) => {
      const broken = Object.entries(breach).map(([name, text]) => parseSource(name, text));
      expect(check(broken).join('\n')).toContain(path);
    });
  });
});

describe('every symbol that leaves through a door has its sentence', () => {
  it('is kept', () => {
    expect(undocumented(doors())).toEqual([]);
  });

  it('would notice one without', () => {
    const folder = mkdtempSync(join(tmpdir(), 'registry-door-'));
    const path = join(folder, 'index.ts');
    writeFileSync(path, '/** Said. */\nexport const said = 1;\nexport const mute = 2;\n');
    const findings = undocumented([path]);
    rmSync(folder, { recursive: true });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain('exports mute without a sentence');
  });
});

describe('no committed file names a folder of one machine or the host that packages come from', () => {
  it('is kept', () => {
    const texts = committedTexts();
    const paths = texts.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['.gitignore', join('test', 'architecture.test.ts')]));
    expect(texts.flatMap(({ path, text }) => machineTraces(path, text))).toEqual([]);
  });

  it.each([
    ['', 'srv', 'a.b', 'packages'].join('/'),
    ['', 'home', 'somebody', 'x'].join('/'),
    ['', 'root', 'x'].join('/'),
    ['C:', 'Users', 'somebody'].join('\\'),
    ['https:/', 'registry.example.org', 'zod'].join('/'),
  ])('would notice %s', (trace) => {
    expect(machineTraces('a.md', `see "${trace}"`, ['/srv/a.b'])).not.toEqual([]);
  });

  it('leaves other addresses alone', () => {
    expect(machineTraces('a.md', 'https://example.org/home/page ./home/x <root>/y')).toEqual([]);
  });
});

it('DEPENDENCIES.md explains what is installed with a package, and nothing else', () => {
  expect(explainedDependencies(readFileSync('DEPENDENCIES.md', 'utf8'))).toEqual(runtimeDependencies());
});
