/** What an application does to its nodes while the worker is busy with them, and the proof that it stands. */
import { type EmbeddingInfo, type StoredNode, sameStamp } from '@registry/core';
import type { Demo } from './demo.ts';
import { digest } from './fingerprint.ts';

/** Which nodes are touched, chosen before the first of them is: an interrupted start does the same again. */
export interface Choice {
  /** Text changed, and embedded by the application with the active model. */
  readonly embedded: readonly string[];
  /** Text changed, and the vector forgotten. */
  readonly textOnly: readonly string[];
  readonly inserted: readonly string[];
  /** Inserted without a vector. */
  readonly bare: readonly string[];
  readonly deleted: readonly string[];
}

/** What the application left behind: of each node its fence and its digest. */
export type Left = readonly (readonly [id: string, fence: string, digest: string])[];

const NOTE = '\n\nEdited while the migration was running.';
/**
 * Some nodes that are done, some that the worker is about to write, some that it has not reached; beside those
 * that an interrupted start chose.
 */
export async function choose(
  { store, target }: Demo,
  inHand: readonly string[],
  earlier?: Choice,
): Promise<Choice> {
  const chosen = new Set(Object.values(earlier ?? {}).flat());
  const held = new Set(inHand);
  const rooms = { done: [] as string[], inHand: [] as string[], open: [] as string[] };
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: 1_000, ...(after !== undefined && { after }) });
    for (const head of page.items.filter(({ id }) => !chosen.has(id)))
      rooms[held.has(head.id) ? 'inHand' : sameStamp(head, target) ? 'done' : 'open'].push(head.id);
    after = page.next;
  } while (after !== undefined);
  const take = (count: number) => Object.values(rooms).flatMap((room) => spread(room, count));
  return {
    embedded: [...(earlier?.embedded ?? []), ...take(3)],
    textOnly: [...(earlier?.textOnly ?? []), ...take(1)],
    deleted: [...(earlier?.deleted ?? []), ...take(1)],
    inserted: ['application/new#1', 'application/new#2', 'application/new#3'],
    bare: ['application/new#4'],
  };
}

/** Takes some out of a list, from all over it. */
function spread(list: string[], count: number): string[] {
  const step = Math.max(1, Math.floor(list.length / count));
  return Array.from({ length: count }, (_, index) => index * (step - 1)).flatMap((at) => list.splice(at, 1));
}

/** The application at work. Each change may be made again. */
export async function edit({ manager, store }: Demo, choice: Choice): Promise<Left> {
  for (const id of choice.embedded) {
    const content = await editedText(store, id);
    const { vectors, info } = await manager.embed([content]); // the active model: the target, since the switch
    await store.update(id, { content, vector: vectors[0]!, ...info });
  }
  for (const id of choice.textOnly) await store.update(id, { content: await editedText(store, id) });
  for (const id of [...choice.inserted, ...choice.bare]) {
    const content = `A note that the application wrote under ${id} while the migration was running.`;
    const metadata = { file: 'application', heading: id };
    const { vectors, info } = await manager.embed([content]);
    const isBare = choice.bare.includes(id);
    await store.upsert({ id, content, metadata, ...(!isBare && { vector: vectors[0]!, ...info }) });
  }
  await store.delete(choice.deleted);
  const written = await store.read([...choice.embedded, ...choice.inserted]);
  return written.map((node) => [node.id, node.fence, digest(node)]);
}

async function editedText(store: Demo['store'], id: string): Promise<string> {
  const content = (await store.get(id))?.content ?? '';
  return content.endsWith(NOTE) ? content : content + NOTE;
}

/** True where every node is what the application left, and nobody has even written the same to it again. */
export async function stands({ store }: Demo, left: Left): Promise<boolean> {
  const nodes = new Map((await store.read(left.map(([id]) => id))).map((node) => [node.id, node]));
  return left.every(([id, fence, before]) => {
    const node = nodes.get(id);
    return node !== undefined && node.fence === fence && digest(node) === before;
  });
}

/** True where none came back. */
export async function areGone({ store }: Demo, ids: readonly string[]): Promise<boolean> {
  return (await store.read(ids)).length === 0;
}

/** True where each node has the vector that the model makes of its present text. */
export async function haveVectorOfText(
  { manager, store }: Demo,
  ids: readonly string[],
  model: EmbeddingInfo,
): Promise<boolean> {
  const nodes = await store.read(ids);
  const texts = nodes.map(({ content = '' }) => content);
  const { vectors, info } = await manager.embed(texts, {
    modelId: model.embeddingModelId,
    version: model.embeddingVersion,
  });
  const isFresh = (node: StoredNode, index: number) =>
    digest(node) === digest({ ...node, ...info, vector: vectors[index]! });
  return nodes.length === ids.length && nodes.every(isFresh);
}
