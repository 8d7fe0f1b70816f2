import { basename } from 'node:path';
import type { ModelRef } from '@registry/core';
import * as vscode from 'vscode';
import { pages } from '../ids.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import { say } from '../views/say.ts';
import { type PageContext, PageHost } from './page-host.ts';
import type { Subject } from './protocol.ts';

/** Registry documents and watch panels; both are one page that shows one thing or the other. */
export class Panels
  implements vscode.CustomReadonlyEditorProvider, vscode.WebviewPanelSerializer, vscode.Disposable
{
  readonly #context: PageContext;
  readonly #pages = new Map<string, PageHost>();
  readonly #documents = new Set<PageHost>();
  readonly #disposables: vscode.Disposable[];

  constructor(o: Omit<PageContext, 'openWatch'>) {
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
    return [...this.#pages.values(), ...this.#documents].reduce((sum, page) => sum + page.watched, 0);
  }

  watch(file: RegistryFile, planId: string): void {
    const known = this.#pages.get(pageKey(file.path, planId));
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(pages.watch, say('Migration'), vscode.ViewColumn.Active);
    this.#show(panel, { view: 'watch', path: file.path, label: file.label, planId });
  }

  /** Shows the details of a model on the page of its registry. */
  async showModel(file: RegistryFile, model: ModelRef): Promise<void> {
    (await this.#pageOf(file))?.showModel(model);
  }

  /** Shows what the doctor found on the page of the registry. */
  async showDiagnosis(file: RegistryFile): Promise<void> {
    (await this.#pageOf(file))?.showDiagnosis();
  }

  async #pageOf({ path }: RegistryFile): Promise<PageHost | undefined> {
    await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), pages.anyDatabase);
    return [...this.#documents].findLast((page) => page.path === path);
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
    const subject = { view: 'registry', path: uri.fsPath, label: basename(uri.fsPath) } as const;
    const page = new PageHost(this.#context, panel, subject);
    this.#documents.add(page);
    panel.onDidDispose(() => this.#documents.delete(page));
  }

  dispose(): void {
    for (const page of [...this.#pages.values(), ...this.#documents]) page.dispose();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #show(panel: vscode.WebviewPanel, subject: Extract<Subject, { view: 'watch' }>): void {
    const key = pageKey(subject.path, subject.planId);
    this.#pages.set(key, new PageHost(this.#context, panel, subject));
    panel.onDidDispose(() => this.#pages.delete(key));
  }
}

/** A copy of a registry holds plans of the same ids. */
const pageKey = (path: string, planId: string) => `${path}|${planId}`;
