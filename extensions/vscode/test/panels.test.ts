import { expect, it, vi } from 'vitest';
import { fileAt } from '../src/model/registry-file.ts';
import { Panels } from '../src/panels/panels.ts';

const editor = vi.hoisted(() => ({ revealed: [] as number[], made: 0 }));
vi.mock('vscode', () => {
  const listens = () => ({ dispose: () => {} });
  const uri = (fsPath: string) => ({ fsPath });
  const createWebviewPanel = () => {
    const number = ++editor.made;
    const webview = {
      asWebviewUri: String,
      cspSource: '',
      onDidReceiveMessage: listens,
      html: '',
      options: {},
    };
    return {
      webview,
      visible: false,
      reveal: () => editor.revealed.push(number),
      onDidChangeViewState: listens,
      onDidDispose: listens,
    };
  };
  const watcher = { ...listens(), onDidChange: listens, onDidCreate: listens, onDidDelete: listens };
  return {
    Disposable: { from: listens },
    env: { language: 'en' },
    l10n: { t: String },
    RelativePattern: class {},
    Uri: { file: uri, joinPath: uri },
    ViewColumn: { Active: -1 },
    window: {
      createWebviewPanel,
      registerCustomEditorProvider: listens,
      registerWebviewPanelSerializer: listens,
    },
    workspace: { createFileSystemWatcher: () => watcher },
  };
});

it('shows a plan once, and the same plan of a copy of its registry on a page of its own', () => {
  const events = { onDidChange: () => ({ dispose: () => {} }) };
  const parts = { registries: {}, extensionUri: {}, counts: events, diagnoses: events, log: {} };
  const panels = new Panels(parts as unknown as ConstructorParameters<typeof Panels>[0]);
  const [first, copy] = [fileAt('/a/registry.sqlite'), fileAt('/a/copy.sqlite')];
  for (const file of [first, copy, first]) panels.watch(file, 'the-plan');
  expect(editor).toEqual({ made: 2, revealed: [1] });
  panels.dispose();
});
