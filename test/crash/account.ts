import { contentHash, type StoredNode } from '@registry/core';
import type { NodeInput, SqliteNodeStore } from '@registry/node-memory';
import { embedded, type ModelName } from './models.ts';

/** The application: it changes its nodes through a connection of its own, and remembers what was acknowledged. */
export class Application {
  readonly store: SqliteNodeStore;
  /** Last acknowledged content and metadata; undefined where the node was deleted. */
  readonly contents: Map<
    string,
    { content: string; metadata: Readonly<Record<string, unknown>> } | undefined
  >;
  /** Every text that was ever stored, by its hash. */
  readonly texts: Map<string, string>;
  /** Nodes it wrote since the last call of `forgetWrites`. */
  readonly written = new Set<string>();
  /** Told of each node before and after it is changed. */
  onWrite: (nodeId: string, before: StoredNode | undefined, after: StoredNode | undefined) => void = () => {};

  constructor(store: SqliteNodeStore, known?: Application) {
    this.store = store;
    this.contents = new Map(known?.contents);
    this.texts = new Map(known?.texts);
  }

  async put(nodes: readonly NodeInput[]): Promise<void> {
    for (const node of nodes)
      await this.#change(node.id, async () => {
        await this.store.upsert(node);
        this.contents.set(node.id, { content: node.content, metadata: node.metadata ?? {} });
        this.#note(node.content);
      });
  }

  /** Without a model the old vector stays, made from another text. */
  async edit(id: string, content: string, model?: ModelName): Promise<void> {
    const metadata = this.contents.get(id)?.metadata ?? {};
    await this.#change(id, async () => {
      const there = await this.store.update(id, { content, ...(model && embedded(model, content)) });
      if (there) this.contents.set(id, { content, metadata });
      this.#note(content);
    });
  }

  async remove(id: string): Promise<void> {
    await this.#change(id, async () => {
      await this.store.delete(id);
      this.contents.set(id, undefined);
    });
  }

  /** Deleted and made again under the same id, with another text and no vector. */
  async recreate(id: string, content: string): Promise<void> {
    await this.remove(id);
    await this.put([{ id, content, metadata: { again: true } }]);
  }

  #note(text: string): void {
    this.texts.set(contentHash(text), text);
  }

  async #change(id: string, body: () => Promise<void>): Promise<void> {
    const [before] = await this.store.read([id]);
    await body();
    const [after] = await this.store.read([id]);
    this.written.add(id);
    this.onWrite(id, before, after);
  }
}
