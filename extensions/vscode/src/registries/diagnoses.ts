import * as vscode from 'vscode';
import { type DiagnosisData, driftedModels } from '../model/mending.ts';

const KEPT = 'diagnoses';
const MOST_REGISTRIES = 20;

/**
 * The last diagnosis of each registry, with its time, since nodes change behind it. The workspace remembers it: a
 * model that has drifted still has after a reload of the window.
 */
export class Diagnoses implements vscode.Disposable {
  readonly #memory: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<string>();
  /** The path of a registry that was looked at. */
  readonly onDidChange = this.#changed.event;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  of(path: string): DiagnosisData | undefined {
    return this.#all.find(([known]) => known === path)?.[1];
  }

  /** Names of models that no longer make the vectors they made, and when that was found. */
  drifted(path: string): { readonly models: ReadonlySet<string>; readonly at: string } | undefined {
    const found = this.of(path);
    return found && { models: driftedModels(found.findings), at: found.at };
  }

  keep(path: string, diagnosis: DiagnosisData): void {
    const others = this.#all.filter(([known]) => known !== path);
    void this.#memory.update(KEPT, [...others, [path, diagnosis]].slice(-MOST_REGISTRIES));
    this.#changed.fire(path);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  get #all(): readonly (readonly [path: string, DiagnosisData])[] {
    return this.#memory.get(KEPT, []);
  }
}
