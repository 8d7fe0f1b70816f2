/** One ground with its nodes and its time, its witnesses, and the processes that were let loose on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import type { NodeInput } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { embedded, models } from '../crash/models.ts';
import { RegistryFile } from '../crash/registry-file.ts';
import { type Account, AccountWriter } from './account.ts';
import type { Chance } from './chance.ts';
import { accountPath, clockPath, lookAt, nodesPath, openNodes, registryPath } from './ground.ts';
import { observe } from './history.ts';
import { SteeredTime, steeredClock } from './steered-clock.ts';
import { Witness } from './witness.ts';

export class ChaosWorld {
  readonly folder: string;
  readonly time: SteeredTime;
  readonly registry: RegistryFile;
  readonly witness: Witness;

  private constructor(folder: string, time: SteeredTime) {
    this.folder = folder;
    this.time = time;
    this.registry = new RegistryFile(registryPath(folder));
    this.witness = new Witness(folder, this.registry);
  }

  /** A folder below `parent` with `count` nodes of every kind, most of them at a, which is the active model. */
  static async make(parent: string, chance: Chance, count: number): Promise<ChaosWorld> {
    const folder = mkdtempSync(join(parent, 'registry-chaos-'));
    const time = new SteeredTime(clockPath(folder));
    const store = await openNodes(folder, steeredClock(clockPath(folder)));
    const manager = await EmbeddingVersionManager.open({
      dbPath: registryPath(folder),
      clock: steeredClock(clockPath(folder)),
    });
    for (const [name, spec] of Object.entries(models)) {
      const { modelId, version, dimension, checksum, datatype, distance } = spec;
      const setActive = name === 'a';
      await manager.registerModel({ modelId, version, dimension, checksum, datatype, distance, setActive });
    }
    await manager.close();
    observe(nodesPath(folder), registryPath(folder));
    await seed(folder, store, chance, count);
    await store.close();
    return new ChaosWorld(folder, time);
  }

  /** The manager of somebody who only asks, while nobody else writes. */
  async open(): Promise<{ manager: EmbeddingVersionManager; close: () => Promise<void> }> {
    const clock = steeredClock(clockPath(this.folder));
    const nodeStore = await openNodes(this.folder, clock);
    const embedders = Object.values(models).map((spec) => testEmbedder({ spec }));
    const manager = await EmbeddingVersionManager.open({
      dbPath: registryPath(this.folder),
      nodeStore,
      embedders,
      clock,
    });
    const close = () => manager.close().then(() => nodeStore.close());
    return { manager, close };
  }

  /** The account while the application rests; what its death left in doubt is found out first. */
  account(): Account {
    const raw = new Database(nodesPath(this.folder), { readonly: true });
    const writer = new AccountWriter(accountPath(this.folder));
    const answer = writer.account.resolve((id) => lookAt(raw, id), this.time.now());
    if (answer !== undefined) writer.note(answer);
    writer.close();
    raw.close();
    return writer.account;
  }

  /** The nodes as the application sees them. */
  content(): Map<string, ReturnType<typeof lookAt>> {
    const raw = new Database(nodesPath(this.folder), { readonly: true });
    const ids = raw.prepare('SELECT id FROM nodes').pluck().all() as string[];
    const content = new Map(ids.map((id) => [id, lookAt(raw, id)]));
    raw.close();
    return content;
  }

  status(planId: string): { status: string; completed: number; total: number; settled: number } {
    const [row] = this.registry.all<{ status: string; completed: number; total: number; settled: number }>(
      'SELECT status, completed, total, completed + failed + skipped + rolled_back AS settled FROM plans WHERE plan_id = ?',
      planId,
    );
    if (row === undefined) throw new Error(`There is no plan ${planId}.`);
    return row;
  }

  close({ keep = false }: { keep?: boolean } = {}): void {
    this.witness.close();
    this.registry.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

async function seed(
  folder: string,
  store: Awaited<ReturnType<typeof openNodes>>,
  chance: Chance,
  count: number,
): Promise<void> {
  const log = new AccountWriter(accountPath(folder));
  const nodes = Array.from({ length: count }, (_, index) => nodeOf(index, chance));
  const change = log.account.nextChange;
  const wanted = nodes.map(({ id, content, metadata = {} }) => [id, { content, metadata }] as const);
  log.note({ change, what: 'the beginning', nodes: Object.fromEntries(wanted) });
  await store.insert(nodes);
  log.note({ change, done: true, at: 0 });
  log.close();
}

/** Most are plain; some share a text, some have no vector, some are at another model, or of another text. */
function nodeOf(index: number, chance: Chance): NodeInput {
  const id = `${chance.pick(['node', 'Knoten', 'nœud', "o'node", '\u{1f600}', '\u{ffee}'])} ${index}`;
  const content = chance.is(0.1) ? 'a text that several nodes have' : `text ${index} of the beginning`;
  const node = { id, content, metadata: { index } };
  if (chance.is(0.05)) return node;
  if (chance.is(0.05)) return { ...node, vector: Float32Array.of(0.1, -0, 1e-40, index) };
  return { ...node, ...embedded(chance.is(0.9) ? 'a' : chance.pick(['b', 'c'] as const), content) };
}
