import * as vscode from 'vscode';
import { type DiagnosisData, driftedModels } from '../model/mending.ts';

/** The last diagnosis of each registry: kept as long as the window, since nodes change behind it. */
export class Diagnoses implements vscode.Disposable {
  readonly #known = new Map<string, DiagnosisData>();
  readonly #changed = new vscode.EventEmitter<string>();
  /** The path of a registry that was looked at. */
  readonly onDidChange = this.#changed.event;

  of(path: string): DiagnosisData | undefined {
    return this.#known.get(path);
  }

  /** Names of models that no longer make the vectors they made. */
  drifted(path: string): ReadonlySet<string> {
    return driftedModels(this.#known.get(path)?.findings ?? []);
  }

  keep(path: string, diagnosis: DiagnosisData): void {
    this.#known.set(path, diagnosis);
    this.#changed.fire(path);
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
