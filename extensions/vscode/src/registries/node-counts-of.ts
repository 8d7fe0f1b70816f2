import * as vscode from 'vscode';
import type { NodeCounts } from '../model/node-counts.ts';
import type { Projects } from '../work/projects.ts';

/**
 * How many nodes are at each model, by registry. Only a process of the command line can tell, since only the
 * configuration file says where nodes live; nobody waits for it, and there is one at a time for a registry.
 */
export class NodeCountsOf implements vscode.Disposable {
  readonly #projects: Projects;
  readonly #log: vscode.LogOutputChannel;
  readonly #known = new Map<string, NodeCounts>();
  readonly #counting = new Map<string, Promise<void>>();
  readonly #stale = new Set<string>();
  readonly #changed = new vscode.EventEmitter<string>();
  readonly #ending = new AbortController();
  /** The path of a registry whose nodes have been counted anew. */
  readonly onDidChange = this.#changed.event;

  constructor(projects: Projects, log: vscode.LogOutputChannel) {
    this.#projects = projects;
    this.#log = log;
  }

  /** What was counted last; undefined where the store is not known. */
  of(path: string): NodeCounts | undefined {
    return this.#known.get(path);
  }

  /** Counts again; a call while it is counted makes another count follow. */
  count(path: string): Promise<void> {
    this.#stale.add(path);
    const counting = this.#counting.get(path) ?? this.#countWhileStale(path);
    this.#counting.set(path, counting);
    return counting;
  }

  dispose(): void {
    this.#ending.abort();
    this.#changed.dispose();
  }

  async #countWhileStale(path: string): Promise<void> {
    while (this.#stale.delete(path) && !this.#ending.signal.aborted) {
      const before = JSON.stringify(this.#known.get(path));
      const counts = await this.#ask(path);
      if (counts === undefined) this.#known.delete(path);
      else this.#known.set(path, counts);
      if (JSON.stringify(counts) !== before && !this.#ending.signal.aborted) this.#changed.fire(path);
    }
    // Here, and not once the promise has settled: a call in between would find nobody who counts again.
    this.#counting.delete(path);
  }

  async #ask(path: string): Promise<NodeCounts | undefined> {
    try {
      const project = await this.#projects.of(path);
      if (project === undefined) return undefined;
      const { signal } = this.#ending;
      const { result } = await this.#projects.run(
        project,
        { words: 'models list', flags: ['--nodes'] },
        { signal },
      );
      return ((await result) as { nodes: NodeCounts }).nodes;
    } catch (error) {
      this.#log.debug(`[nodes] ${path}: ${String(error)}`);
      return undefined;
    }
  }
}
