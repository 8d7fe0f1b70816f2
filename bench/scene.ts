/** The models, texts and stores that the benchmarks share. Everything is the same in every run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  computeChecksum,
  type Embedder,
  EmbeddingModelSpec,
  EmbeddingVersionManager,
  witnessTexts,
} from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';

export const DIMENSION = 384;
export const BATCH = 256;
const FILL_PAGE = 5_000;

export const before = modelSpec('before');
export const after = modelSpec('after');
export const specs = { before, after };

function modelSpec(modelId: string): EmbeddingModelSpec {
  const checksum = computeChecksum({ modelId });
  return new EmbeddingModelSpec({ modelId, version: 1, dimension: DIMENSION, checksum });
}

/** The one vector of a model's costless embedder. */
export function vectorOf({ modelId }: { readonly modelId: string }): Float32Array {
  return Float32Array.from({ length: DIMENSION }, (_, index) => Math.sin(index + modelId.length));
}

/** Answers at once, so that all that is measured is what goes on around it. */
export function costlessEmbedder(spec: EmbeddingModelSpec): Embedder {
  const vector = vectorOf(spec);
  // One vector for all texts would be taken for a broken model.
  const other = vector.toReversed();
  const isOther = (text: string) => text === witnessTexts[0];
  return { spec, embed: async (texts) => texts.map((text) => (isOther(text) ? other : vector)) };
}

/** 36 characters that grow with the number, as ids made by time do; `scattered`: in an order of their own. */
export function idOf(number: number, scattered = false): string {
  const head = scattered ? Math.imul(number + 1, 0x9e3779b1) >>> 0 : number;
  const hex = head.toString(16).padStart(8, '0');
  return `${hex}-7000-8000-9000-${number.toString(16).padStart(12, '0')}`;
}

const words = 'registry vector model memory plan batch lease fence backup store node worker'.split(' ');

/** About 300 characters, different for every number. */
export function textOf(number: number): string {
  const parts = [`Note ${number}.`];
  for (let index = 0; index < 44; index++) parts.push(words[(number * 7 + index * index) % words.length]!);
  return parts.join(' ');
}

export function openStore(path: string): Promise<SqliteNodeStore> {
  return SqliteNodeStore.open({ path, models: [before, after] });
}

/** A store of `size` nodes, all embedded with the model `before`. */
export async function filledStore(path: string, size: number, scattered = false): Promise<SqliteNodeStore> {
  const store = await openStore(path);
  const vector = vectorOf(before);
  for (let start = 0; start < size; start += FILL_PAGE) {
    const count = Math.min(FILL_PAGE, size - start);
    const page = Array.from({ length: count }, (_, index) => ({
      id: idOf(start + index, scattered),
      content: textOf(start + index),
      vector,
      ...before.info,
    }));
    await store.insert(page);
  }
  return store;
}

/** A new registry in which both models are known and `active` is the active one. */
export async function newRegistry(
  path: string,
  nodeStore: SqliteNodeStore,
  active: EmbeddingModelSpec = before,
  embedders: readonly Embedder[] = [costlessEmbedder(before), costlessEmbedder(after)],
): Promise<EmbeddingVersionManager> {
  const manager = await EmbeddingVersionManager.open({ dbPath: path, nodeStore, embedders });
  for (const spec of [before, after]) await manager.registerModel({ ...spec.toJSON() });
  await manager.switchActiveModel({
    targetModelId: active.modelId,
    targetVersion: active.version,
    migrateExisting: false,
  });
  return manager;
}

/** A folder that is gone when the body has ended. */
export async function inFolder<T>(parent: string, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'round-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
