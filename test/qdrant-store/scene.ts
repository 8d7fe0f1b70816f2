/** A registry, a collection behind an alias whose vectors the old model made, and both embedders. */
import { EmbeddingVersionManager, isRegistryError, type RegistryError } from '@registry/core';
import { expectedVector, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import type { QdrantNodeStoreOptions } from '@registry/qdrant';
import { onTestFinished } from 'vitest';
import { ALIAS, COLLECTION, type MadeStore, makeStore } from './harness.ts';

export const textOf = (index: number) => `The text of point number ${index}.`;

export interface QdrantScene extends MadeStore {
  readonly manager: EmbeddingVersionManager;
  readonly old: TestEmbedder;
  readonly target: TestEmbedder;
  readonly to: { readonly targetModelId: string; readonly targetVersion: number };
}

export interface SceneOptions extends Partial<QdrantNodeStoreOptions> {
  readonly points?: number;
  readonly oldDimension?: number;
  readonly targetDimension?: number;
  readonly vectorName?: string;
  readonly version?: string;
  /** The store is told the name of its vector. */
  readonly isNamed?: boolean;
  readonly embeds?: readonly ('old' | 'target')[];
}

export async function openScene(o: SceneOptions = {}): Promise<QdrantScene> {
  const {
    points = 10,
    oldDimension = 8,
    targetDimension = 12,
    vectorName = 'text',
    version,
    embeds,
    isNamed,
    ...rest
  } = o;
  const made = await makeStore({
    size: oldDimension,
    vectorName,
    ...(version !== undefined && { double: { version } }),
    ...(isNamed && { storeVector: vectorName }),
    ...rest,
  });
  onTestFinished(() => made.double.close());
  const old = testEmbedder({ modelId: 'old-model', dimension: oldDimension });
  const target = testEmbedder({ modelId: 'new-model', dimension: targetDimension });
  const embedders = { old, target };
  const manager = await EmbeddingVersionManager.open({
    dbPath: ':memory:',
    nodeStore: made.store,
    embedders: (embeds ?? (['old', 'target'] as const)).map((name) => embedders[name]),
    config: { migrationBatchSize: 4, migrationThrottleMs: 0 },
  });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  if (points > 0) await fill(made, old, points, vectorName);
  return { ...made, manager, old, target, to: { targetModelId: 'new-model', targetVersion: 1 } };
}

async function fill(
  { client }: MadeStore,
  old: TestEmbedder,
  count: number,
  vectorName: string,
): Promise<void> {
  const named = (vector: number[]) => (vectorName === '' ? vector : { [vectorName]: vector });
  await client.upsert(ALIAS, {
    wait: true,
    points: Array.from({ length: count }, (_, index) => ({
      id: index,
      vector: named([...(expectedVector(old.spec, textOf(index)) as Float32Array)]),
      payload: { text: textOf(index), parity: index % 2, ...stampPayload(old) },
    })),
  });
}

export function stampPayload({ spec }: TestEmbedder) {
  const { modelId, version, checksum } = spec;
  return { embedding_model_id: modelId, embedding_version: version, embedding_checksum: checksum };
}

/** Which model made the vector of each node that readers see, each checked against its text. */
export async function seen({ store, old, target }: Pick<QdrantScene, 'store' | 'old' | 'target'>) {
  const ids: string[] = [];
  for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
    const page = await store.scan({ limit: 1000, ...(after !== undefined && { after }) });
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
  }
  const nodes = await store.read(ids);
  const entries = nodes.map(({ id, content = '', vector, embeddingModelId }) => {
    const spec = [old, target].find((one) => one.spec.modelId === embeddingModelId)?.spec;
    const isTrue = spec !== undefined && isSame(vector, expectedVector(spec, content));
    return [id, `${embeddingModelId}${isTrue ? '' : ' (not of this text)'}: ${content}`] as const;
  });
  return Object.fromEntries(entries);
}

/** Cosine vectors come back normalised. */
export function isSame(a: unknown, b: unknown): boolean {
  if (!(a instanceof Float32Array) || !(b instanceof Float32Array) || a.length !== b.length) return false;
  const [left, right] = [Math.hypot(...a), Math.hypot(...b)];
  return a.every((element, index) => Math.abs(element / left - b[index]! / right) < 1e-5);
}

export const all = (model: string, count = 10) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [String(index), `${model}: ${textOf(index)}`]),
  );

/** The coded error that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<RegistryError> {
  const error = await call.then(
    () => new Error('It was not refused.'),
    (thrown: unknown) => thrown,
  );
  if (isRegistryError(error)) return error;
  throw new Error(`An error without a code: ${String(error)}`, { cause: error });
}

export { ALIAS, COLLECTION };
