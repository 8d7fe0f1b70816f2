/** What the application may do: through the store's own functions, and by SQL that knows only its own columns. */
import type { SqliteNodeStore } from '@registry/node-memory';
import type Database from 'better-sqlite3';
import { embedded, type ModelName } from '../crash/models.ts';
import type { Account, Wanted } from './account.ts';
import type { Chance } from './chance.ts';

/** A change of one transaction, and how it is made. */
export interface Change {
  readonly what: string;
  readonly nodes: Readonly<Record<string, Wanted>>;
  readonly act: () => unknown;
}

interface Present {
  readonly id: string;
  readonly content: string;
  readonly metadata: unknown;
}

/** With fewer nodes that may still be changed, none is. */
const FEWEST = 20;

export class Changes {
  readonly #store: SqliteNodeStore;
  readonly #raw: Database.Database;
  readonly #account: Account;
  readonly #chance: Chance;
  readonly #o: { touches: number; since: number; embedsWith: readonly ModelName[] };

  constructor(
    stores: { store: SqliteNodeStore; raw: Database.Database },
    account: Account,
    chance: Chance,
    o: { touches: number; since: number; embedsWith: readonly ModelName[] },
  ) {
    this.#store = stores.store;
    this.#raw = stores.raw;
    this.#account = account;
    this.#chance = chance;
    this.#o = o;
  }

  /** Undefined where the node that it would be about is not there. */
  draw(change: number): Change | undefined {
    const text = `text of change ${change}, ${this.#chance.between(0, 9_999)}`;
    if (this.#chance.is(0.1)) return this.#insert(change, text);
    if (this.#chance.is(0.1)) return this.#makeAgain(change, text);
    const node = this.#present();
    if (node === undefined) return undefined;
    return this.#chance.is(0.5) ? this.#byStore(node, change, text) : this.#bySql(node, change, text);
  }

  /** A node that is there and may still be changed. */
  #present(): Present | undefined {
    const free = [...this.#account.nodes].flatMap(([id, node]) =>
      node !== null && this.#mayChange(id) ? [{ id, ...node }] : [],
    );
    return free.length < FEWEST ? undefined : this.#chance.pick(free);
  }

  #mayChange(id: string): boolean {
    return this.#account.touches(id, this.#o.since) < this.#o.touches;
  }

  #vector(text: string) {
    return embedded(this.#chance.pick(this.#o.embedsWith), text);
  }

  #insert(change: number, content: string): Change {
    const node = { id: `born ${change}`, content, metadata: {} };
    const whole = this.#chance.is(0.8) ? { ...node, ...this.#vector(content) } : node;
    return {
      what: 'insert',
      nodes: { [node.id]: { content, metadata: {} } },
      act: () => this.#store.insert(whole),
    };
  }

  /** A node that was deleted, or one that is there and replaced. */
  #makeAgain(change: number, content: string): Change | undefined {
    const gone = [...this.#account.nodes].filter(([id, node]) => node === null && this.#mayChange(id));
    const id = gone.length > 0 ? this.#chance.pick(gone)[0] : this.#present()?.id;
    if (id === undefined) return undefined;
    const node = { id, content, metadata: { again: change } };
    const whole = this.#chance.is(0.5) ? { ...node, ...this.#vector(content) } : node;
    return {
      what: 'make again',
      nodes: { [id]: { content, metadata: node.metadata } },
      act: () => this.#store.upsert(whole),
    };
  }

  #byStore({ id, content, metadata }: Present, change: number, text: string): Change {
    const store = this.#store;
    const vector = this.#vector(text);
    const note = { note: change };
    return this.#chance.pick<Change>([
      {
        what: 'edit',
        nodes: { [id]: { content: text, metadata } },
        act: () => store.update(id, { content: text }),
      },
      {
        what: 'edit with a vector',
        nodes: { [id]: { content: text, metadata } },
        act: () => store.update(id, { content: text, ...vector }),
      },
      {
        what: 'note',
        nodes: { [id]: { content, metadata: note } },
        act: () => store.update(id, { metadata: note }),
      },
      { what: 'delete', nodes: { [id]: null }, act: () => store.delete(id) },
    ]);
  }

  #sql(text: string, ...values: unknown[]): void {
    this.#raw.prepare(text).run(...values);
  }

  #bySql({ id, content, metadata }: Present, change: number, text: string): Change {
    const update = (to: string) => this.#sql('UPDATE nodes SET content = ? WHERE id = ?', to, id);
    const written = { [id]: { content: text, metadata } };
    const upsert =
      'INSERT INTO nodes (id, content) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content';
    return this.#chance.pick<Change>([
      { what: 'SQL UPDATE', nodes: written, act: () => update(text) },
      { what: 'SQL upsert', nodes: written, act: () => this.#sql(upsert, id, text) },
      {
        what: 'SQL INSERT OR REPLACE',
        nodes: { [id]: { content: text, metadata: {} } },
        act: () => this.#sql('INSERT OR REPLACE INTO nodes (id, content) VALUES (?, ?)', id, text),
      },
      {
        what: 'SQL DELETE',
        nodes: { [id]: null },
        act: () => this.#sql('DELETE FROM nodes WHERE id = ?', id),
      },
      this.#several(change, text),
      {
        // Whoever read the text before must not write now, although it stands there again.
        what: 'SQL there and back',
        nodes: { [id]: { content, metadata } },
        act: () =>
          this.#atomically(() => {
            update(text);
            update(content);
          }),
      },
    ]);
  }

  /** The first is deleted and made again under its id. */
  #several(change: number, text: string): Change {
    const ids = [this.#present(), this.#present(), this.#present()].flatMap((node) => node?.id ?? []);
    const metadata = { several: change };
    const nodes = Object.fromEntries(
      ids.map((id, index) => [id, { content: `${text} (${index})`, metadata }]),
    );
    const body = () => {
      for (const [index, [id, { content }]] of Object.entries(nodes).entries()) {
        const values = [content, JSON.stringify(metadata), id];
        if (index > 0) this.#sql('UPDATE nodes SET content = ?, metadata = ? WHERE id = ?', ...values);
        else {
          this.#sql('DELETE FROM nodes WHERE id = ?', id);
          this.#sql('INSERT INTO nodes (content, metadata, id) VALUES (?, ?, ?)', ...values);
        }
      }
    };
    return { what: 'SQL transaction', nodes, act: () => this.#atomically(body) };
  }

  #atomically(body: () => void): void {
    this.#raw.transaction(body).immediate();
  }
}
