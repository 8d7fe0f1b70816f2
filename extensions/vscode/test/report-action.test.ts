import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { ActionContext } from '../src/actions/context.ts';
import { registerReport } from '../src/actions/report-action.ts';
import { planBranch } from '../src/model/migrations-tree.ts';
import { fileAt } from '../src/model/registry-file.ts';
import { temporaryFolder } from './scene.ts';

/** As much of the editor as the action speaks with: what it is answered, and what it was asked. */
const editor = vi.hoisted(() => ({
  remoteName: undefined as string | undefined,
  saveAt: '',
  answer: undefined as string | undefined,
  offered: [] as unknown[][],
  opened: [] as string[],
  pages: [] as { html: string }[],
  commands: new Map<string, (...given: unknown[]) => Promise<void>>(),
}));
vi.mock('vscode', () => ({
  commands: {
    registerCommand: (name: string, run: (...given: unknown[]) => Promise<void>) =>
      editor.commands.set(name, run),
  },
  env: {
    get remoteName() {
      return editor.remoteName;
    },
    openExternal: async (uri: { fsPath: string }) => editor.opened.push(uri.fsPath),
  },
  l10n: {
    t: (text: string, values: Record<string, string>) =>
      text.replace(/\{(\w+)\}/g, (_, name) => values[name]!),
  },
  Uri: { file: (fsPath: string) => ({ fsPath }) },
  ViewColumn: { Active: -1 },
  window: {
    showSaveDialog: async () => ({ fsPath: editor.saveAt }),
    showInformationMessage: async (...message: unknown[]) => {
      editor.offered.push(message);
      return editor.answer;
    },
    createWebviewPanel: () => {
      const webview = { html: '' };
      editor.pages.push(webview);
      return { webview };
    },
  },
  workspace: { workspaceFolders: undefined },
}));

/** Writes a report of a plan, and answers what was offered then, and what was opened. */
async function write(o: { remoteName?: string; answer?: string }) {
  const path = join(temporaryFolder(), 'report.html');
  Object.assign(editor, {
    remoteName: undefined,
    answer: undefined,
    ...o,
    saveAt: path,
    offered: [],
    opened: [],
    pages: [],
  });
  const plan = { planId: 'p', targetSpec: { modelId: 'm', version: 1 } };
  const read = async (_: string, name: string) => {
    if (name === 'plan') return plan;
    writeFileSync(path, '<p>The report.</p>');
    return { path };
  };
  registerReport({ registries: { read } } as unknown as ActionContext);
  const branch = planBranch(fileAt(join(path, '..', 'registry.sqlite')), 'p');
  await editor.commands.get('embeddingRegistry.writeReport')!({ branch });
  expect(editor.pages.map(({ html }) => html)).toEqual(['<p>The report.</p>']);
  return { path, offered: editor.offered, opened: editor.opened };
}

it('opens a report in the browser where that is chosen', async () => {
  const { path, offered, opened } = await write({ answer: 'Open in Browser' });
  expect(offered).toEqual([[`The report was written to ${path}.`, 'Open in Browser']]);
  expect(opened).toEqual([path]);
  expect((await write({})).opened).toEqual([]);
});

it('offers no browser where files are on another machine', async () => {
  const { path, offered } = await write({ remoteName: 'ssh-remote', answer: 'Open in Browser' });
  expect(offered).toEqual([[`The report was written to ${path}.`]]);
});
