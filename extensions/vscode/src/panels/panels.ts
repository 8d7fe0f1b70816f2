import { basename } from 'node:path';
import * as vscode from 'vscode';
import { pages } from '../ids.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import type { RegistryProcess } from '../registries/registry-process.ts';
import { say } from '../views/say.ts';
import { type PageContext, PageHost } from './page-host.ts';
import type { Subject } from './protocol.ts';

/** Registry documents and watch panels; both are one page that shows one thing or the other. */
export class Panels
  implements vscode.CustomReadonlyEditorProvider, vscode.WebviewPanelSerializer, vscode.Disposable
{
  readonly #context: PageContext;
  readonly #pages = new Map<string, PageHost>();
  readonly #disposables: vscode.Disposable[];

  constructor(o: { registries: RegistryProcess; extensionUri: vscode.Uri; log: vscode.LogOutputChannel }) {
    this.#context = { ...o, openWatch: (file, planId) => this.watch(file, planId) };
    const options = { supportsMultipleEditorsPerDocument: true };
    this.#disposables = [
      vscode.window.registerCustomEditorProvider(pages.registry, this, options),
      vscode.window.registerCustomEditorProvider(pages.anyDatabase, this, options),
      vscode.window.registerWebviewPanelSerializer(pages.watch, this),
    ];
  }

  /** How many plans all pages watch now. */
  get watched(): number {
    return [...this.#pages.values()].reduce((sum, page) => sum + page.watched, 0);
  }

  watch(file: RegistryFile, planId: string): void {
    const known = this.#pages.get(planId);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(pages.watch, say('Migration'), vscode.ViewColumn.Active);
    this.#show(panel, { view: 'watch', path: file.path, label: file.label, planId });
  }

  /** After a reload of the window. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { path, label, planId } = (state ?? {}) as Partial<Record<string, unknown>>;
    if (typeof path !== 'string' || typeof label !== 'string' || typeof planId !== 'string') panel.dispose();
    else this.#show(panel, { view: 'watch', path, label, planId });
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    new PageHost(this.#context, panel, { view: 'registry', path: uri.fsPath, label: basename(uri.fsPath) });
  }

  dispose(): void {
    for (const page of this.#pages.values()) page.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #show(panel: vscode.WebviewPanel, subject: Extract<Subject, { view: 'watch' }>): void {
    this.#pages.set(subject.planId, new PageHost(this.#context, panel, subject));
    panel.onDidDispose(() => this.#pages.delete(subject.planId));
  }
}
