import type { Strategy } from '@registry/core';
import { liveAlias, type PointId, stampOf } from './application.ts';
import { type ModelName, models } from './models.ts';
import { World } from './world.ts';

const uuidA = '0af1c0de-0000-4000-8000-00000000000a';
const uuidB = 'fedcba98-0000-4000-8000-00000000000b';

const texts: readonly (readonly [PointId, string])[] = [
  [1, 'a plain text'],
  [2, 'the same text twice'],
  [3, 'the same text twice'],
  [Number.MAX_SAFE_INTEGER, 'a large number'],
  [uuidA, 'beyond ASCII: näive “quotes”\nand a second line'],
  [uuidB, 'behind all the others'],
  [7, 'before the edit'],
  [8, 'to be stamped by nobody'],
  [9, 'the ninth'],
];

/** What a plan of this strategy goes to. */
export const targetOf: Readonly<Record<Strategy, ModelName>> = {
  shadow: 'wide',
  namedVector: 'wide',
  inPlace: 'next',
};

const params = { size: models.a.dimension, distance: 'Cosine' } as const;
const other = { size: 2, distance: 'Dot' } as const;

/** A live collection behind an alias, with a registry in which all models are known and `a` is active. */
export async function seededWorld(strategy: Strategy): Promise<World> {
  const world = await World.make(strategy === 'namedVector' ? 'text' : undefined);
  const { application } = world;
  const { client } = application;
  const vectors = strategy === 'namedVector' ? { text: params, other } : params;
  await client.createCollection('documents', { vectors });
  const create_alias = { alias_name: liveAlias, collection_name: 'documents' };
  await client.updateCollectionAliases({ actions: [{ create_alias }] });
  for (const [id, text] of texts) await application.put(id, text, `kind of ${id}`);
  if (strategy === 'namedVector')
    await client.updateVectors('documents', { points: [{ id: 1, vector: { other: [1, 2] } }] });
  await application.edit(7, 'after the edit');
  await client.deletePayload('documents', { keys: Object.keys(stampOf(models.a)), points: [8] });
  const { manager } = await world.open();
  for (const model of Object.values(models)) await manager.registerModel(model.toJSON());
  const { modelId: targetModelId, version: targetVersion } = models.a;
  // One point is stamped by nobody.
  await manager.switchActiveModel({ targetModelId, targetVersion, migrateExisting: false });
  application.written.clear();
  world.start = new Map(world.served().map((point) => [point.id, point]));
  return world;
}

export async function planOf(world: World, strategy: Strategy): Promise<string> {
  const { manager } = await world.open();
  const { modelId, version } = models[targetOf[strategy]];
  const wish = { targetModelId: modelId, targetVersion: version, strategy };
  return (await manager.createMigration(wish)).planId;
}
