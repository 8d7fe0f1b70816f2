import type { NodeInput } from '@registry/node-memory';
import { embedded, models } from './models.ts';
import type { Worker } from './world.ts';
import { World } from './world.ts';

const atA = (id: string, content: string): NodeInput => ({ id, content, ...embedded('a', content) });

/** Twelve nodes, each another case. */
const nodes: readonly NodeInput[] = [
  atA('plain', 'a plain text'),
  atA("o'brien", 'quotes in the id'),
  atA('same-1', 'the same text twice'),
  atA('same-2', 'the same text twice'),
  atA('näme', 'an id beyond ASCII'),
  // By code point the first sorts before the second, by code unit after it.
  atA('\u{ffee}', 'high in the basic plane'),
  atA('\u{1f600}', 'beyond the basic plane'),
  { id: 'no-vector', content: 'never embedded' },
  { id: 'at-target', content: 'embedded with the target', ...embedded('b', 'embedded with the target') },
  { ...atA('tagged', 'with metadata'), metadata: { kind: 'note', size: 3 } },
  atA('edited', 'before the edit'),
  { id: 'unknown', content: 'nobody knows who embedded this', vector: Float32Array.of(0.1, -0, 1e-40, 3) },
];

/** A world with these nodes, and a registry in which a, b and c are known and a is active. */
export async function seededWorld(options: Parameters<typeof World.make>[0] = {}): Promise<World> {
  const world = await World.make(options);
  const { manager } = await world.open();
  await manager.registerModel({ ...fields('a'), setActive: true });
  await manager.registerModel(fields('b'));
  await manager.registerModel(fields('c'));
  await world.application.put(nodes);
  // Its vector is of another text than its content.
  await world.application.edit('edited', 'after the edit');
  world.application.written.clear();
  world.start = await world.nodeStates();
  return world;
}

function fields(name: keyof typeof models) {
  const { modelId, version, dimension, checksum, datatype, distance } = models[name];
  return { modelId, version, dimension, checksum, datatype, distance };
}

/** The whole store is to go to this model. */
export async function planTo(
  { manager }: Worker,
  name: keyof typeof models,
  tuning: { batchSize?: number; maxParallelWorkers?: number; nodeIds?: readonly string[] } = {},
): Promise<string> {
  const { modelId, version } = models[name];
  const plan = await manager.createMigration({ targetModelId: modelId, targetVersion: version, ...tuning });
  return plan.planId;
}
