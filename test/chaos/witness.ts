/**
 * Judges the whole history of both files: what must hold for each change, whoever made it. It knows the engine's
 * writes by what they are: a vector that changes under a text that does not, which no application does here.
 */
import assert from 'node:assert/strict';
import { contentHash, vectorBytes } from '@registry/core';
import { expectedVector } from '@registry/core/testing';
import Database from 'better-sqlite3';
import { type ModelName, models } from '../crash/models.ts';
import { stateOf } from '../crash/node-states.ts';
import type { RegistryFile } from '../crash/registry-file.ts';
import { nodesPath } from './ground.ts';
import { type Entry, entriesAfter } from './history.ts';

/** Who made the vector that stands on a node: a plan (with what it replaced), a rollback, or the application. */
type Maker = 'application' | 'plan' | 'rollback';

export class Witness {
  readonly #nodes: Database.Database;
  readonly #registry: RegistryFile;
  readonly latest = new Map<string, Entry>();
  readonly makers = new Map<string, Maker>();
  /** What the plan of this phase has to have kept, by node. */
  readonly originals = new Map<string, Entry>();
  readonly #texts = new Map<string, string>();
  /** Every state that a node ever had. */
  readonly #states = new Map<string, Set<string>>();
  readonly #settles = new Map<string, number>();
  /** How many nodes were at the target, after each change of this phase. */
  readonly countsAtTarget = new Set<number>();
  #target: ModelName = 'b';
  #number = 0;
  #taskNumber = 0;
  looks = 0;

  constructor(folder: string, registry: RegistryFile) {
    this.#nodes = new Database(nodesPath(folder), { readonly: true });
    this.#registry = registry;
  }

  get entries(): number {
    return this.#number;
  }

  /** From now on the plan is one to this model. */
  begin(target: ModelName): void {
    this.follow();
    this.#target = target;
    this.originals.clear();
    this.countsAtTarget.clear();
    this.#count();
  }

  /** The plan before goes on being undone. */
  resume(target: ModelName, originals: ReadonlyMap<string, Entry>): void {
    this.begin(target);
    for (const [id, entry] of originals) this.originals.set(id, entry);
  }

  close(): void {
    this.#nodes.close();
  }

  /** What must hold at every moment, seen from a second connection. */
  look(plan: string, mostLanes: number): void {
    this.looks += 1;
    this.follow();
    const seen = this.#number;
    const backups = this.#registry.backups(plan);
    this.#registry.assertConsistent({ mostLanes });
    this.#followTasks();
    const moved = new Set(this.follow().map(({ id, number }) => (number > seen ? id : '')));
    for (const [id, original] of this.originals) {
      if (moved.has(id) || this.makers.get(id) !== 'plan') continue;
      const backup = backups.get(id) ?? 'none';
      if (!this.#isOriginal(backup, original))
        assert.equal(backup, stateOf(original.node), `the backup of ${id} is not what the plan replaced`);
    }
  }

  /** Judges what has happened since. */
  follow(): readonly Entry[] {
    const entries = entriesAfter(this.#nodes, this.#number);
    for (const entry of entries) {
      this.#texts.set(contentHash(entry.content), entry.content);
      this.#judge(entry, this.latest.get(entry.id));
      this.#states.set(entry.id, (this.#states.get(entry.id) ?? new Set()).add(stateOf(entry.node)));
      this.latest.set(entry.id, entry);
      this.#number = entry.number;
      this.#count();
    }
    return entries;
  }

  #count(): void {
    this.countsAtTarget.add([...this.latest.values()].filter((entry) => this.#isStamped(entry)).length);
  }

  #isStamped({ node }: Entry): boolean {
    const { modelId, version } = models[this.#target];
    return node?.embeddingModelId === modelId && node.embeddingVersion === version;
  }

  #judge(entry: Entry, before: Entry | undefined): void {
    const { id, node } = entry;
    if (node === undefined) {
      this.makers.set(id, 'application');
      return;
    }
    this.#assertFence(entry, before);
    this.#assertVector(entry);
    if (before?.vectorState === entry.vectorState) return;
    const isEngine = before?.node !== undefined && before.content === entry.content;
    this.makers.set(id, isEngine ? this.#judgeWrite(entry, before) : 'application');
  }

  #judgeWrite(entry: Entry, before: Entry): Maker {
    const { id, node } = entry;
    const isOfItsText = node?.embeddedHash === node?.contentHash;
    const original = this.originals.get(id);
    if (!this.#isStamped(entry) || !isOfItsText) {
      assert.ok(
        original !== undefined,
        `${id} was put back, or written over, and there is no original of it`,
      );
      const isBack = this.#isOriginal(stateOf(node), original);
      if (!isBack) assert.equal(stateOf(node), stateOf(original.node), `${id} was not put back`);
      return 'rollback';
    }
    const isDone = this.#isStamped(before) && before.node?.embeddedHash === before.node?.contentHash;
    assert.ok(!isDone, `${id} was embedded twice`);
    if (original === undefined || !this.#isStamped(before)) this.originals.set(id, before);
    return 'plan';
  }

  /**
   * A plan takes a vector at its target, of a text edited since, for its own, and keeps the backup it has. Where
   * the application had made that vector, the backup may be of what stood there before.
   */
  #isOriginal(state: string, original: Entry): boolean {
    if (state === stateOf(original.node)) return true;
    return this.#isStamped(original) && (this.#states.get(original.id)?.has(state) ?? false);
  }

  /** No token stands for two states. The triggers of one statement may meet the same one twice. */
  #assertFence({ id, revision, number }: Entry, before: Entry | undefined): void {
    if (before === undefined) return;
    const isSameStatement = before.node !== undefined && before.number === number - 1;
    const isLater = isSameStatement ? revision >= before.revision : revision > before.revision;
    assert.ok(isLater, `fence ${revision} of ${id} came back`);
  }

  #assertVector({ id, node }: Entry): void {
    if (node?.embeddingModelId === undefined) return;
    const model = Object.values(models).find(
      ({ modelId, version }) => modelId === node.embeddingModelId && version === node.embeddingVersion,
    );
    const text = this.#texts.get(node.embeddedHash ?? '');
    assert.ok(model !== undefined && node.vector !== undefined, `${id} carries a stamp of nothing`);
    assert.ok(text !== undefined, `${id} was embedded from a text that nobody wrote`);
    const isTrue = Buffer.from(vectorBytes(node.vector)).equals(vectorBytes(expectedVector(model, text)));
    assert.ok(isTrue, `the vector of ${id} is not what ${model.qualifiedId} makes of its text`);
  }

  /** Settled once, and once more for each time that a sweep has put it back. */
  #followTasks(): void {
    const rows = this.#registry.all<{
      entry: number;
      task: string;
      was: number;
      became: number;
      requeues: number;
    }>(
      `SELECT entry, plan || ':' || node_id AS task, was, became, requeues FROM chaos_tasks WHERE entry > ? ORDER BY entry`,
      this.#taskNumber,
    );
    const isOpen = (state: number) => state <= 2;
    for (const { entry, task, was, became, requeues } of rows) {
      this.#taskNumber = entry;
      // A rollback has its own word for each node afterwards.
      if (!isOpen(was) || isOpen(became) || became > 5) continue;
      const settles = (this.#settles.get(task) ?? 0) + 1;
      this.#settles.set(task, settles);
      assert.equal(settles, 1 + requeues, `task ${task} was settled ${settles} times`);
    }
  }
}
