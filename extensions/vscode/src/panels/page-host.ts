import { type ModelRef, systemClock } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { planBranch } from '../model/migrations-tree.ts';
import { modelName } from '../model/plan-text.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import type { Diagnoses } from '../registries/diagnoses.ts';
import { LiveRegistry } from '../registries/live-registry.ts';
import type { NodeCountsOf } from '../registries/node-counts-of.ts';
import type { RegistryProcess } from '../registries/registry-process.ts';
import type { PlanData, Reads } from '../registry-process/messages.ts';
import { followFile } from '../views/follow-file.ts';
import { say } from '../views/say.ts';
import type { HostMessage, PageMessage, Question, Subject } from './protocol.ts';

/** What a page may load, below the extension's own folder. */
const folders = ['dist/webview', 'media'];

/** What pages are made with. */
export interface PageContext {
  readonly registries: RegistryProcess;
  readonly extensionUri: vscode.Uri;
  readonly counts: NodeCountsOf;
  readonly diagnoses: Diagnoses;
  readonly log: vscode.LogOutputChannel;
  openWatch(file: RegistryFile, planId: string): void;
}

/**
 * One page: a registry, or a plan that is watched. While it is hidden it reads nothing, watches nothing and keeps
 * no process; the editor throws it away then, and makes it again from its state.
 */
export class PageHost implements vscode.Disposable {
  readonly #context: PageContext;
  readonly #panel: vscode.WebviewPanel;
  readonly #subject: Subject;
  readonly #live: LiveRegistry;
  readonly #disposables: vscode.Disposable[];
  #release: (() => void) | undefined;
  #isReady = false;
  #wanted: ModelRef | undefined;
  #isDiagnosisWanted = false;

  constructor(context: PageContext, panel: vscode.WebviewPanel, subject: Subject) {
    this.#context = context;
    this.#panel = panel;
    this.#subject = subject;
    this.#live = new LiveRegistry({
      process: context.registries,
      reader: context.registries,
      path: subject.path,
      clock: systemClock,
      events: {
        onChange: () => this.#post({ type: 'changed' }),
        onRest: () => this.#post({ type: 'changed' }),
        onProgress: (progress) => this.#post({ type: 'progress', at: systemClock.now(), progress }),
      },
      ...(subject.view === 'watch' && { planId: subject.planId }),
    });
    const { webview } = panel;
    webview.options = {
      enableScripts: true,
      localResourceRoots: folders.map((name) => vscode.Uri.joinPath(context.extensionUri, name)),
    };
    this.#disposables = [
      followFile(subject.path, () => this.#live.hint()),
      context.counts.onDidChange((path) => path === subject.path && this.#tellCounts()),
      context.diagnoses.onDidChange((path) => path === subject.path && this.#tellDiagnosis()),
      webview.onDidReceiveMessage((message) => this.#hear(message)),
      panel.onDidChangeViewState(() => this.#see()),
      panel.onDidDispose(() => this.dispose()),
    ];
    webview.html = this.#html(webview);
    this.#see();
  }

  get path(): string {
    return this.#subject.path;
  }

  /** How many plans this page watches now. */
  get watched(): number {
    return this.#live.watched;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Shows the details of a model, once the page is there. */
  showModel({ modelId, version }: ModelRef): void {
    this.#wanted = { modelId, version };
    if (this.#isReady) this.#tellWanted();
  }

  /** Shows what the doctor found, once the page is there. */
  showDiagnosis(): void {
    this.#isDiagnosisWanted = true;
    if (this.#isReady) this.#tellDiagnosis();
  }

  dispose(): void {
    this.#live.hide();
    this.#release?.();
    this.#release = undefined;
    for (const disposable of this.#disposables.splice(0)) disposable.dispose();
  }

  #see(): void {
    if (this.#panel.visible) {
      this.#release ??= this.#context.registries.hold();
      this.#live.show();
      return;
    }
    // The editor throws the page away, and makes it again when it is looked at.
    this.#isReady = false;
    this.#live.hide();
    this.#release?.();
    this.#release = undefined;
  }

  #tellCounts(): void {
    this.#post({ type: 'counts', counts: this.#context.counts.of(this.#subject.path) });
  }

  #tellDiagnosis(): void {
    if (this.#subject.view === 'watch') return;
    const diagnosis = this.#context.diagnoses.of(this.#subject.path);
    this.#post({ type: 'diagnosis', diagnosis, isWanted: this.#isDiagnosisWanted });
    this.#isDiagnosisWanted = false;
  }

  #tellWanted(): void {
    if (this.#wanted !== undefined) this.#post({ type: 'model', model: this.#wanted });
    this.#wanted = undefined;
  }

  #post(message: HostMessage): void {
    void this.#panel.webview.postMessage(message);
  }

  async #hear(value: unknown): Promise<void> {
    // What checks messages is loaded with the first one: most windows show no page.
    const { parsePageMessage } = await import('./protocol.ts');
    const message = parsePageMessage(value);
    if (message === undefined) {
      this.#context.log.warn('[page] A page said what none of ours says.');
      return;
    }
    if (message.type === 'ready') this.#show();
    else if (message.type === 'ask') await this.#answer(message.id, message.question);
    else await this.#act(message);
  }

  #show(): void {
    this.#post({
      type: 'show',
      subject: this.#subject,
      sentences: vscode.l10n.bundle ?? {},
      mayAct: vscode.workspace.isTrusted,
    });
    this.#isReady = true;
    if (this.#subject.view === 'watch') return;
    this.#tellCounts();
    this.#tellDiagnosis();
    this.#tellWanted();
    if (vscode.workspace.isTrusted) void this.#context.counts.count(this.#subject.path);
  }

  async #answer(id: number, question: Question): Promise<void> {
    const input = 'input' in question ? question.input : undefined;
    try {
      const read = this.#context.registries.read as (
        path: string,
        name: keyof Reads,
        input: unknown,
      ) => Promise<unknown>;
      const value = await read.call(this.#context.registries, this.#subject.path, question.name, input);
      if (question.name === 'plan') this.#name(value as PlanData);
      this.#post({ type: 'answer', id, value });
    } catch (error) {
      const { code = 'UNEXPECTED', message } = error as { code?: string; message: string };
      this.#post({ type: 'refused', id, error: { code, message: inEditorWords(message) } });
    }
  }

  #name({ targetSpec }: PlanData): void {
    if (this.#subject.view !== 'watch') return;
    this.#panel.title = say('Migration to {model}', { model: modelName(targetSpec) });
  }

  async #act(message: Exclude<PageMessage, { type: 'ready' | 'ask' }>): Promise<void> {
    const { path, label } = this.#subject;
    const file: RegistryFile = { path, label, isOpened: false };
    if (message.type === 'watch') {
      this.#context.openWatch(file, message.planId);
      return;
    }
    const [command, branch, ...given] = await this.#commandOf(message, file);
    await vscode.commands.executeCommand(commands[command], { branch }, ...given);
    this.#live.hint();
    this.#post({ type: 'changed' });
  }

  /** The command that a button stands for, and the row on which it would be called. */
  async #commandOf(
    message: Exclude<PageMessage, { type: 'ready' | 'ask' | 'watch' }>,
    file: RegistryFile,
  ): Promise<readonly [keyof typeof commands, object, ...unknown[]]> {
    switch (message.type) {
      case 'node': {
        const task = { nodeId: message.nodeId };
        return [message.action, { ...planBranch(file, message.planId), kind: 'task', task }];
      }
      case 'cause':
        return [
          'retryFailed',
          { ...planBranch(file, message.planId), kind: 'failure', code: message.errorCode },
        ];
      case 'tune':
        return ['tune', planBranch(file, message.planId), message.tuning];
      case 'act':
        return [message.action, planBranch(file, message.planId)];
      case 'diagnose':
        return ['diagnose', { kind: 'registry', file }];
      case 'mend':
        return [message.command, await this.#branchOf(message, file)];
    }
  }

  async #branchOf(
    { planId, model }: Extract<PageMessage, { type: 'mend' }>,
    file: RegistryFile,
  ): Promise<object> {
    if (planId !== undefined) return planBranch(file, planId);
    if (model === undefined) return { kind: 'registry', file };
    // That it cannot be read is told by the command, which reads it too.
    const models = await this.#context.registries.read(file.path, 'models').catch(() => []);
    const known = models.find((each) => modelName(each) === modelName(model));
    return known === undefined ? { kind: 'registry', file } : { kind: 'model', file, model: known };
  }

  /** No style or script but our own files, nothing from anywhere else. */
  #html(webview: vscode.Webview): string {
    const { extensionUri } = this.#context;
    const file = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, ...parts));
    const nonce = systemClock.uuid();
    const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
    return `<!doctype html>
<html lang="${vscode.env.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file('media', 'page.css')}">
</head>
<body>
<main id="page" aria-busy="true"></main>
<script nonce="${nonce}" src="${file('dist', 'webview', 'page.js')}"></script>
</body>
</html>`;
  }
}
