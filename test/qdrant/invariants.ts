/**
 * What must hold of the points, whatever was killed or failed before. The account of the application's writes is
 * the test's own, and the points are looked at where they are stored, not through the store.
 */
import assert from 'node:assert/strict';
import type { EmbeddingModelSpec, Strategy } from '@registry/core';
import { pointIdOf } from '@registry/qdrant';
import type { Peeked } from '@registry/qdrant-double';
import type { PointId } from './application.ts';
import { isMadeBy, modelNamed, models } from './models.ts';
import { targetOf } from './seeds.ts';
import type { Worker, World } from './world.ts';

interface Stamp {
  readonly model: EmbeddingModelSpec;
  /** Which vectors it may be about. */
  readonly vectors: readonly Float32Array[];
}

/** At every moment: what a stamp says of a vector is true, in every collection. */
export function assertTruth(world: World, collections: readonly string[]): void {
  for (const collection of collections)
    for (const point of world.double.peek(collection))
      for (const { model, vectors } of stampsOf(point)) {
        const texts = [...(world.application.texts.get(point.id as PointId) ?? [])];
        const isTrue = vectors.some((vector) => texts.some((text) => isMadeBy(model, text, vector)));
        assert.ok(
          isTrue,
          `${point.id} in ${collection} is stamped ${model.qualifiedId}, which no vector of it is`,
        );
      }
}

/** The flat stamp is about the one vector that readers use; those under `embeddings` name theirs. */
function stampsOf({ payload, vectors }: Peeked): readonly Stamp[] {
  const dense = [...vectors].flatMap(([name, vector]) =>
    vector instanceof Float32Array ? [{ name, vector }] : [],
  );
  const flat = stampIn(
    payload,
    dense.map(({ vector }) => vector),
  );
  const named = Object.entries((payload.embeddings ?? {}) as Record<string, Peeked['payload']>);
  const ofNames = named.flatMap(([name, stamp]) =>
    stampIn(
      stamp,
      dense.filter((other) => other.name === name).map(({ vector }) => vector),
    ),
  );
  return [...flat, ...ofNames];
}

function stampIn(payload: Peeked['payload'], vectors: readonly Float32Array[]): readonly Stamp[] {
  const model = modelNamed(payload.embedding_model_id, payload.embedding_version);
  return model === undefined ? [] : [{ model, vectors }];
}

/** No lost edit, no resurrected point: readers find what the application wrote last, and nothing else. */
export function assertAccount(world: World): void {
  const found = new Map<unknown, unknown>();
  for (const { id, payload } of world.served()) found.set(id, { text: payload.text, kind: payload.kind });
  const expected = new Map<unknown, unknown>();
  for (const [id, content] of world.application.contents)
    if (content !== undefined) expected.set(id, { text: content.text, kind: content.kind });
  assert.deepEqual(found, expected);
}

/** Every node is at the target of the plan, as the store that readers use says. */
export async function assertServed(
  world: World,
  { store }: Worker,
  model: EmbeddingModelSpec,
): Promise<void> {
  assertAccount(world);
  const counts = await store.countByModel();
  const alive = [...world.application.contents.values()].filter((content) => content !== undefined);
  assert.deepEqual([...counts], [{ info: model.info, count: alive.length }]);
  const ids = [...world.application.contents.keys()].map(String);
  for (const node of await store.read(ids)) {
    // The application does not know of the hash.
    if (node.embeddedHash !== undefined)
      assert.equal(node.embeddedHash, node.contentHash, `${node.id} has the vector of another text`);
    // A text that its writer patched above a vector of its own, of which no hash tells, stays as it is.
    const { isEmbedded } = world.application.contents.get(pointIdOf(node.id) as PointId) ?? {};
    if (node.embeddedHash === undefined && isEmbedded === false) continue;
    const made = isMadeBy(model, node.content ?? '', node.vector as Float32Array);
    assert.ok(made, `${node.id} has a vector that ${model.qualifiedId} does not make`);
  }
}

/** What the application left alone is as it was, but for fields of the registry's own. */
export function assertAsBefore(world: World): void {
  const now = new Map(world.served().map((point) => [point.id, point]));
  for (const [id, before] of world.start) {
    if (world.application.written.has(id as PointId)) continue;
    const point = now.get(id as PointId);
    assert.deepEqual(bare(point), bare(before), `${id} is not as it was`);
  }
}

/** After a rollback: what the application embedded itself stands there, not what a plan made or backed up. */
export function assertOwnVectors(world: World): void {
  for (const point of world.served()) {
    const content = world.application.contents.get(point.id as PointId);
    if (!content?.isEmbedded || !world.application.written.has(point.id as PointId)) continue;
    const stamps = stampsOf(point);
    const isTrue = stamps.some(
      ({ model, vectors }) =>
        model === models.a && vectors.some((vector) => isMadeBy(model, content.text, vector)),
    );
    // One point of the seeds is stamped by nobody.
    assert.ok(isTrue || stamps.length === 0, `${point.id} lost the vector that came with its text`);
  }
}

/** A stamp is part of it; the hash of the text and the token of the last write are the registry's. */
function bare(point: Peeked | undefined) {
  const { embedding_model_id, embedding_version, embedding_checksum, text, kind } = point?.payload ?? {};
  const vectors = [...(point?.vectors ?? [])].filter(
    ([name]) => name === '' || name === 'text' || name === 'other',
  );
  return { text, kind, embedding_model_id, embedding_version, embedding_checksum, vectors: new Map(vectors) };
}

/** No task failed, and none was charged a retry: nothing that went wrong was the fault of a text. */
export async function assertNoFault({ manager }: Worker, planId: string): Promise<void> {
  const { items } = await manager.listTasks({ planId, limit: 1000 });
  for (const { nodeId, status, retryCount, errorCode, errorMessage } of items) {
    assert.notEqual(status, 'failed', `${nodeId}: ${errorCode} ${errorMessage}`);
    assert.equal(retryCount, 0, `${nodeId} was charged a retry: ${errorMessage}`);
  }
}

export function targetModel(strategy: Strategy): EmbeddingModelSpec {
  return models[targetOf[strategy]];
}
