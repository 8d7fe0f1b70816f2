import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import { onTestFinished } from 'vitest';
import type { Reader } from '../src/model/branches.ts';
import type { RegistryFile } from '../src/model/registry-file.ts';
import { reads } from '../src/registry-process/requests.ts';

export interface Scene {
  readonly file: RegistryFile;
  readonly manager: EmbeddingVersionManager;
  /** Reads as the process does, and notes each question. */
  readonly reader: Reader;
  readonly asked: string[];
  /** A worker that has nothing to embed with: it is alive, and waits. */
  startWorker(): Promise<void>;
  /** A plan of so many nodes to `target` v1. */
  plan(nodes: number, from?: number): Promise<string>;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const model = (modelId: string, version = 1) => ({
  modelId,
  version,
  dimension: 4,
  checksum: `${modelId}-sum-${version}`,
});

/** A registry with the models `source` (active) and `target`, which serves no node store. */
export async function openScene(): Promise<Scene> {
  const path = join(temporaryFolder(), 'embedding_registry.sqlite');
  const manager = await EmbeddingVersionManager.open({ dbPath: path });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...model('source'), setActive: true });
  await manager.registerModel(model('target'));
  const asked: string[] = [];
  const reader = readerOf(manager, asked);
  const plan = async (nodes: number, from = 0) => {
    const nodeIds = Array.from(
      { length: nodes },
      (_, index) => `node-${String(from + index).padStart(5, '0')}`,
    );
    const made = await manager.createMigration({ targetModelId: 'target', targetVersion: 1, nodeIds });
    return made.planId;
  };
  const startWorker = async () => {
    const nodeStore = await SqliteNodeStore.open({ path: join(path, '..', 'nodes.sqlite') });
    const worker = await EmbeddingVersionManager.open({ dbPath: path, nodeStore });
    onTestFinished(async () => {
      await worker.close();
      await nodeStore.close();
    });
    await worker.startWorker();
  };
  return { startWorker, file: { path, label: 'registry', isOpened: false }, manager, reader, asked, plan };
}

/** Reads as the process does, and notes each question. */
export function readerOf(manager: EmbeddingVersionManager, asked: string[]): Reader {
  return {
    read: (_: string, name: keyof typeof reads, input: unknown) => {
      asked.push(name);
      return (reads[name] as (manager: EmbeddingVersionManager, input: unknown) => Promise<unknown>)(
        manager,
        input,
      );
    },
  } as Reader;
}
