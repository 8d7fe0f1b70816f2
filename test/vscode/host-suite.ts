import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { build } from 'tsup';
import type { Home } from './home.ts';
import type { HostResult } from './host/run.ts';

/** The suite of `host/`, ready to be run in the extension host of an editor that opens the workspace. */
export interface HostSuite {
  /** The folder of the extension. */
  readonly extension: string;
  /** What `extensionTestsPath` is to name. */
  readonly program: string;
  /** What the extension host is to be given: where the results go. */
  readonly env: Readonly<Record<string, string>>;
  /** How each case ended, and what was measured. */
  result(): HostResult;
}

/** Bundles the suite, and fills the workspace with the registry that it looks at. */
export async function prepareHostSuite({ folder, workspace }: Home): Promise<HostSuite> {
  const bundle = join(folder, 'suite');
  await build({
    entry: { run: resolve('test/vscode/host/run.ts') },
    outDir: bundle,
    format: 'cjs',
    outExtension: () => ({ js: '.cjs' }),
    external: ['vscode'],
    config: false,
    silent: true,
  });
  mkdirSync(join(workspace, 'custom'));
  mkdirSync(join(workspace, '.vscode'));
  const path = join(workspace, 'custom', 'vectors.sqlite');
  await (await EmbeddingVersionManager.open({ dbPath: path })).close();
  writeFileSync(
    join(workspace, '.vscode', 'settings.json'),
    '{ "embeddingRegistry.files": ["custom/vectors.sqlite"] }',
  );
  const report = join(folder, 'result.json');
  return {
    extension: resolve('extensions/vscode'),
    program: join(bundle, 'run.cjs'),
    env: { HOST_RESULT: report },
    result: () => JSON.parse(readFileSync(report, 'utf8')) as HostResult,
  };
}
