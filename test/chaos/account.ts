/**
 * The application's own account: each change is noted before it is tried and after it was acknowledged, and
 * each note is on disk before anything else happens. A change without an answer is in doubt: the file of nodes
 * says whether it happened, and it must have happened wholly or not at all.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

/** What the application wants of a node: its columns, or no node. */
export type Wanted = { readonly content: string; readonly metadata: unknown } | null;

/** Changes of one transaction. */
export interface Intent {
  readonly change: number;
  readonly what: string;
  readonly nodes: Readonly<Record<string, Wanted>>;
}

/** How a change ended. `resolved`: found out later, since its writer had died. */
interface Answer {
  readonly change: number;
  readonly done: boolean;
  /** By the clock of the run: no earlier than it happened. */
  readonly at: number;
  readonly resolved?: true;
}

/** Reads a node as it is now, by its own columns. */
export type Look = (id: string) => Wanted;

export class Account {
  readonly nodes = new Map<string, Wanted>();
  readonly #touches = new Map<string, number[]>();
  /** When each node was changed last. */
  readonly changedAt = new Map<string, number>();
  acknowledged = 0;
  inDoubt = 0;
  #changes = 0;
  #open: Intent | undefined;

  static read(path: string): Account {
    const account = new Account();
    if (!existsSync(path)) return account;
    // A line that was cut off with its writer had not been noted, so nothing was done about it.
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    for (const line of lines) account.note(JSON.parse(line) as Intent | Answer);
    return account;
  }

  get nextChange(): number {
    return this.#changes + 1;
  }

  /** How often a node was changed from this change on; those that came to nothing count too. */
  touches(id: string, since: number): number {
    return this.#touches.get(id)?.filter((change) => change >= since).length ?? 0;
  }

  /** The change whose answer is not known. */
  get open(): Intent | undefined {
    return this.#open;
  }

  note(entry: Intent | Answer): void {
    this.#changes = Math.max(this.#changes, entry.change);
    if ('nodes' in entry) {
      this.#open = entry;
      for (const id of Object.keys(entry.nodes))
        this.#touches.set(id, [...(this.#touches.get(id) ?? []), entry.change]);
      return;
    }
    if (this.#open?.change !== entry.change) throw new Error(`Answer ${entry.change} has no question.`);
    for (const [id, wanted] of Object.entries(this.#open.nodes)) {
      if (entry.done) this.nodes.set(id, wanted);
      if (entry.done) this.changedAt.set(id, entry.at);
    }
    if (entry.resolved) this.inDoubt += 1;
    if (entry.done) this.acknowledged += 1;
    this.#open = undefined;
  }

  /** Finds out what became of the change in doubt. @throws Error where it happened by half. */
  resolve(look: Look, at: number): Answer | undefined {
    if (this.#open === undefined) return undefined;
    const { change, nodes } = this.#open;
    const ids = Object.keys(nodes);
    const isAs = (wanted: (id: string) => Wanted) =>
      ids.every((id) => isDeepStrictEqual(look(id), wanted(id)));
    const done = isAs((id) => nodes[id] ?? null);
    if (!done && !isAs((id) => this.nodes.get(id) ?? null))
      throw new Error(`Change ${change} of ${ids.join(', ')} happened by half.`);
    return { change, done, at, resolved: true };
  }
}

/** Appends to the account's file, for the one process that writes it. */
export class AccountWriter {
  readonly account: Account;
  readonly #file: number;

  constructor(path: string) {
    this.account = Account.read(path);
    this.#file = openSync(path, 'a');
  }

  note(entry: Intent | Answer): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#file);
    this.account.note(entry);
  }

  close(): void {
    closeSync(this.#file);
  }
}
