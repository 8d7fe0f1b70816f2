/** Runs the suite of `host/` in the extension host of a real workbench; the same files serve VS Code. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { build } from 'tsup';
import { expect, it } from 'vitest';
import { Editor } from './editor.ts';
import { makeHome, removeHome } from './home.ts';
import type { HostResult } from './host/run.ts';
import { launchBrowser, Workbench } from './workbench.ts';

it('the suite inside the extension host passes', async () => {
  const home = makeHome();
  try {
    const bundle = join(home.folder, 'suite');
    await build({
      entry: { run: resolve('test/vscode/host/run.ts') },
      outDir: bundle,
      format: 'cjs',
      outExtension: () => ({ js: '.cjs' }),
      external: ['vscode'],
      config: false,
      silent: true,
    });
    mkdirSync(join(home.workspace, 'custom'));
    mkdirSync(join(home.workspace, '.vscode'));
    const path = join(home.workspace, 'custom', 'vectors.sqlite');
    await (await EmbeddingVersionManager.open({ dbPath: path })).close();
    writeFileSync(
      join(home.workspace, '.vscode', 'settings.json'),
      '{ "embeddingRegistry.files": ["custom/vectors.sqlite"] }',
    );
    const report = join(home.folder, 'result.json');
    await using editor = await Editor.start(home, { env: { HOST_RESULT: report } });
    const browser = await launchBrowser();
    try {
      const workbench = await Workbench.open(browser);
      const ended = Promise.withResolvers<number>();
      await workbench.page.exposeFunction('codeAutomationExit', ended.resolve);
      await workbench.page.exposeFunction('codeAutomationLog', () => {});
      await workbench.develop(editor.url, resolve('extensions/vscode'), join(bundle, 'run.cjs'));
      await workbench.goTo(editor.url, home.workspace);
      const exitCode = await ended.promise;
      const { cases, figures } = JSON.parse(readFileSync(report, 'utf8')) as HostResult;
      console.log(cases.map(({ name }) => name).join('\n'), figures);
      expect(cases.filter(({ fault }) => fault !== undefined)).toEqual([]);
      expect(exitCode).toBe(0);
    } finally {
      await browser.close();
    }
  } finally {
    removeHome(home);
  }
}, 120_000);
