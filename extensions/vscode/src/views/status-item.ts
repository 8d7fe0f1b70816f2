import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import type { Say } from '../language.ts';
import { planBranch } from '../model/migrations-tree.ts';
import { paceText, planName } from '../model/plan-text.ts';
import { fileAt } from '../model/registry-file.ts';
import type { ProgressData } from '../registry-process/messages.ts';

/** Tells of the busiest of the plans that run; nothing where none does. */
export class StatusItem implements vscode.Disposable {
  readonly #say: Say;
  readonly #running = new Map<string, { readonly path: string; readonly progress: ProgressData }>();
  #item: vscode.StatusBarItem | undefined;

  constructor(say: Say) {
    this.#say = say;
  }

  progress(path: string, progress: ProgressData): void {
    const key = `${path}|${progress.plan.planId}`;
    if (progress.workers > 0) this.#running.set(key, { path, progress });
    else this.#running.delete(key);
    this.#draw();
  }

  rest(path: string, planId: string): void {
    this.#running.delete(`${path}|${planId}`);
    this.#draw();
  }

  forget(path: string): void {
    for (const [key, running] of this.#running) if (running.path === path) this.#running.delete(key);
    this.#draw();
  }

  hide(): void {
    this.#running.clear();
    this.#draw();
  }

  dispose(): void {
    this.#item?.dispose();
  }

  #draw(): void {
    const [busiest] = [...this.#running.values()].sort(
      (a, b) => b.progress.nodesPerSecond - a.progress.nodesPerSecond,
    );
    if (busiest === undefined) {
      this.#item?.dispose();
      this.#item = undefined;
      return;
    }
    const { path, progress } = busiest;
    const { plan } = progress;
    this.#item ??= vscode.window.createStatusBarItem(
      'embeddingRegistry.running',
      vscode.StatusBarAlignment.Left,
    );
    const pace = paceText(plan, progress, this.#say);
    const name = planName(plan);
    this.#item.name = this.#say('Embedding Registry: Running Migration');
    this.#item.text = `$(sync~spin) ${pace}`;
    this.#item.tooltip = `${name}\n${pace}`;
    this.#item.accessibilityInformation = { label: `${name}, ${pace.replaceAll(' · ', ', ')}` };
    this.#item.command = {
      command: commands.watch,
      title: name,
      arguments: [{ branch: planBranch(fileAt(path), plan.planId) }],
    };
    this.#item.show();
  }
}
