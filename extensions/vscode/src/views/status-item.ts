import * as vscode from 'vscode';
import type { Say } from '../language.ts';
import { paceText, planName } from '../model/plan-text.ts';
import type { ProgressData } from '../registry-process/messages.ts';

/** Tells of the busiest of the plans that run; nothing where none does. */
export class StatusItem implements vscode.Disposable {
  readonly #say: Say;
  readonly #running = new Map<string, ProgressData>();
  #item: vscode.StatusBarItem | undefined;

  constructor(say: Say) {
    this.#say = say;
  }

  progress(path: string, progress: ProgressData): void {
    const key = `${path}|${progress.plan.planId}`;
    if (progress.workers > 0) this.#running.set(key, progress);
    else this.#running.delete(key);
    this.#draw();
  }

  rest(path: string, planId: string): void {
    this.#running.delete(`${path}|${planId}`);
    this.#draw();
  }

  forget(path: string): void {
    for (const key of this.#running.keys()) if (key.startsWith(`${path}|`)) this.#running.delete(key);
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
    const [busiest] = [...this.#running.values()].sort((a, b) => b.nodesPerSecond - a.nodesPerSecond);
    if (busiest === undefined) {
      this.#item?.dispose();
      this.#item = undefined;
      return;
    }
    this.#item ??= vscode.window.createStatusBarItem(
      'embeddingRegistry.running',
      vscode.StatusBarAlignment.Left,
    );
    const pace = paceText(busiest.plan, busiest, this.#say);
    const name = planName(busiest.plan);
    this.#item.name = this.#say('Embedding Registry: Running Migration');
    this.#item.text = `$(sync~spin) ${pace}`;
    this.#item.tooltip = `${name}\n${pace}`;
    this.#item.accessibilityInformation = { label: `${name}, ${pace.replaceAll(' · ', ', ')}` };
    this.#item.show();
  }
}
