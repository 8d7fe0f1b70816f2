/** What is in the packages of each platform, and what is not. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { targets } from '../../extensions/vscode/scripts/targets.ts';

const extension = resolve('extensions/vscode');
const driver = dirname(createRequire(join(extension, 'package.json')).resolve('better-sqlite3/package.json'));
/** Private keys, and tokens of the forges, registries and providers that this project meets. */
const secret = /-----BEGIN [A-Z ]*PRIVATE KEY|\b(gh[opsu]_|npm_|sk-)[A-Za-z0-9_-]{20}/;
const LARGEST_BYTES = 4_000_000;

interface Package {
  readonly bytes: number;
  /** Contents by their path in it. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

function open(target: string): Package {
  const vsix = readFileSync(join(extension, 'dist', 'packages', `embedding-registry-${target}.vsix`));
  return { bytes: vsix.length, files: unzipSync(vsix) };
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const binaries = new Map(
  globSync(join(driver, 'prebuilds', '*.node')).map((file) => [hashOf(readFileSync(file)), basename(file)]),
);

describe.each(Object.entries(targets))('the package for %s', (target, binary) => {
  let bytes: number;
  let files: Package['files'];
  let names: readonly string[];
  beforeAll(() => {
    ({ bytes, files } = open(target));
    names = Object.keys(files);
  });
  const text = (name: string) => strFromU8(files[name]!);

  it('holds the binary of that platform and no other', () => {
    const native = names.filter((name) => name.endsWith('.node'));
    expect(native.map((name) => binaries.get(hashOf(files[name]!)))).toEqual([`${binary}.node`]);
    expect(text('extension.vsixmanifest')).toContain(`TargetPlatform="${target}"`);
  });

  it('is small', () => {
    console.log(`${target}: ${(bytes / 1_000_000).toFixed(2)} MB, ${names.length} files`);
    expect(bytes).toBeLessThanOrEqual(LARGEST_BYTES);
  });

  it('has what the editor and the marketplace ask for', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'extension/LICENSE.txt',
        'extension/readme.md',
        'extension/media/icon.png',
        'extension/package.json',
        'extension/package.nls.json',
        'extension/l10n/bundle.l10n.json',
      ]),
    );
    expect(text('extension/LICENSE.txt')).toContain('MIT License');
    const { main, icon } = JSON.parse(text('extension/package.json')) as { main: string; icon: string };
    const pictures = [...text('extension/readme.md').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(
      (found) => found[1]!,
    );
    expect(pictures.length).toBeGreaterThan(0);
    for (const path of [
      ...pictures,
      main,
      icon,
      'dist/registry-process.cjs',
      'dist/evr.mjs',
      'dist/webview/page.js',
    ])
      expect(names).toContain(join('extension', path));
  });

  it('tells whose work is bundled, with the texts of their licences', () => {
    const notices = text('extension/ThirdPartyNotices.txt');
    const named = notices.split('-'.repeat(80))[0] ?? '';
    for (const name of ['@clack/prompts', 'better-sqlite3', 'commander', 'jiti', 'yaml', 'zod'])
      expect(named).toContain(`\n${name} `);
    expect(named).not.toContain('@registry/');
    for (const owed of ['Joshua Wise', 'Colin McDonnell', 'Eemeli Aro']) expect(notices).toContain(owed);
  });

  it('holds no source, no map, no test, no secret and no path of the machine that made it', () => {
    const stray =
      /metafile|\.(ts|tsx|map|sqlite|log|tgz|vsix|pem|key)$|(^|\/)(\.[^/]+|src|test|tests|node_modules|scripts)(\/|$)/;
    expect(names.filter((name) => stray.test(name))).toEqual([]);
    const isToldIn = (name: string) => text(name).includes(resolve('.')) || secret.test(text(name));
    expect(names.filter((name) => !name.endsWith('.node') && isToldIn(name))).toEqual([]);
  });
});
