import type {
  Embedder,
  EmbeddingVersionManager,
  ModelNotes,
  NodeStore,
  RegisteredModel,
} from '@registry/core';
import { computeChecksum, isRegistryError } from '@registry/core';
import { z } from 'zod';
import { type Call, type Handler, opened, wholeNumber } from '../call.ts';
import { modelOf, registeredModel } from '../names.ts';
import type { Output } from '../output.ts';
import { counted, dateTime, grouped, modelName, shortId } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { warnOfEnds } from './ends.ts';

const named = z.object({ model: z.string() });

const listSchema = z.object({ nodes: z.boolean().optional() });

export const list: Handler = (call) => {
  const { nodes = false } = call.read(listSchema);
  return call.with(nodes ? 'look' : 'read', async ({ manager, nodeStore }) => {
    const models = await manager.listModels();
    if (!nodes) {
      showModels(call.output, models);
      return { data: { items: models, calendar: warnOfEnds(call.output, models) } };
    }
    if (nodeStore === undefined)
      throw new UsageError('Counting nodes needs the node store.', {
        advice: 'Add `nodeStore: () => …` to embedding-registry.config.ts.',
      });
    const counts = await nodeStore.countByModel({ signal: terminal.stopSignal() });
    showModels(call.output, models, counts);
    return { data: { items: models, nodes: counts, calendar: warnOfEnds(call.output, models, counts) } };
  });
};

type NodeCounts = Awaited<ReturnType<NodeStore['countByModel']>>;

/** A table of models; the active one is marked. With `counts`, how many nodes are at each, and at none. */
export function showModels(
  output: Output,
  models: readonly RegisteredModel[],
  counts: NodeCounts = [],
): void {
  const isOf = (model: RegisteredModel, { info }: NodeCounts[number]) =>
    info?.embeddingModelId === model.modelId && info.embeddingVersion === model.version;
  const sum = (some: NodeCounts) => some.reduce((total, { count }) => total + count, 0);
  const nodesOf = (model: RegisteredModel) => sum(counts.filter((each) => isOf(model, each)));
  output.table<RegisteredModel>(
    [
      { title: 'MODEL', cell: modelName, least: 16 },
      { title: 'ACTIVE', cell: ({ isActive }) => (isActive ? 'active' : '') },
      ...(counts.length > 0
        ? [
            {
              title: 'NODES',
              cell: (model: RegisteredModel) => grouped(nodesOf(model)),
              align: 'right' as const,
            },
          ]
        : []),
      { title: 'DIMENSION', cell: ({ dimension }) => grouped(dimension), align: 'right' },
      { title: 'TYPE', cell: ({ datatype, distance }) => `${datatype} ${distance}`, spare: 2 },
      { title: 'CHECKSUM', cell: ({ checksum }) => checksum.slice(0, 8), spare: 3 },
      { title: 'REGISTERED', cell: ({ createdAt }) => dateTime(createdAt), spare: 4 },
      { title: 'NAME', cell: ({ name }) => name ?? '', least: 8, spare: 5 },
    ],
    models,
  );
  const unstamped = sum(counts.filter(({ info }) => info === undefined));
  const known = models.reduce((total, model) => total + nodesOf(model), 0);
  const strange = sum(counts) - unstamped - known;
  if (unstamped > 0) output.say(`Without a stamp: ${counted(unstamped, 'node')}`);
  if (strange > 0) output.say(`At models that are not registered: ${counted(strange, 'node')}`);
}

export const show = opened('read', named, async (call, o, { manager }) => {
  const model = await registeredModel(manager, o.model);
  call.output.fields([
    ['model', modelName(model)],
    ['active', model.isActive ? 'yes' : 'no'],
    ['dimension', grouped(model.dimension)],
    ['datatype', model.datatype],
    ['distance', model.distance],
    ['checksum', model.checksum],
    ['registered', `${dateTime(model.createdAt)} UTC`],
    ['name', model.name],
    ['description', model.description],
    [
      'longest input',
      model.maxInputTokens === undefined ? undefined : counted(model.maxInputTokens, 'token'),
    ],
    [
      'price',
      model.pricePerMillionTokens === undefined
        ? undefined
        : `$${model.pricePerMillionTokens} per million tokens`,
    ],
    ['deprecated', model.deprecatedAt],
    ['shut down', model.shutdownAt],
    ['successor', model.successor && modelName(model.successor)],
  ]);
  return { data: model };
});

const notesShape = {
  name: z.string().optional(),
  description: z.string().optional(),
  maxInputTokens: wholeNumber.optional(),
  price: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'takes US dollars per million tokens')
    .transform(Number)
    .optional(),
  deprecatedAt: z.string().optional(),
  shutdownAt: z.string().optional(),
  successor: z.string().optional(),
};
const registerSchema = z.object({
  model: z.string().optional(),
  id: z.string().optional(),
  modelVersion: wholeNumber.optional(),
  dimension: wholeNumber.optional(),
  checksum: z.string().optional(),
  datatype: z.enum(['float32', 'bit']).optional(),
  distance: z.enum(['cosine', 'dot', 'euclid', 'hamming']).optional(),
  active: z.boolean().optional(),
  lowerVersion: z.boolean().optional(),
  ...notesShape,
});
type RegisterValues = z.output<typeof registerSchema>;

export const register: Handler = (call) => {
  const o = call.read(registerSchema);
  const body = async (manager: EmbeddingVersionManager, embedders: readonly Embedder[]) => {
    const specs = specsOf(o, embedders);
    const notes = await notesOf(manager, o);
    if (specs.length !== 1 && (o.active || Object.keys(notes).length > 0))
      throw new UsageError('Notes and --active are for one model; name it.');
    const before = await manager.listModels();
    for (const spec of specs) {
      const known = before.some((model) => model.modelId === spec.modelId && model.version === spec.version);
      await manager.registerModel({
        ...spec,
        ...notes,
        ...(o.active && { setActive: true }),
        ...(o.lowerVersion && { allowLowerVersion: true }),
      });
      if (known && Object.keys(notes).length > 0)
        await manager.updateModel({ modelId: spec.modelId, version: spec.version, ...notes });
      call.output.say(`${known ? 'Known already' : 'Registered'}: ${modelName(spec)}`);
    }
    const models = await manager.listModels();
    const isAsked = (model: RegisteredModel) =>
      specs.some((spec) => spec.modelId === model.modelId && spec.version === model.version);
    return { data: { items: models.filter(isAsked) } };
  };
  const need = o.id === undefined ? 'work' : 'nodes';
  return call.with(need, ({ manager, embedders }) => body(manager, embedders), { create: true });
};

type Registrable = Parameters<EmbeddingVersionManager['registerModel']>[0];

/** Of the options, else of the named embedder, else of every embedder of the configuration file. */
function specsOf(o: RegisterValues, embedders: readonly Embedder[]): readonly Registrable[] {
  if (o.id !== undefined) {
    if (o.model !== undefined) throw new UsageError('Name an embedder or pass --id, not both.');
    const { id: modelId, modelVersion: version = 1, dimension, datatype, distance } = o;
    if (dimension === undefined) throw new UsageError('--id needs --dimension.');
    const checksum = o.checksum ?? computeChecksum({ modelId, version, dimension });
    return [
      { modelId, version, dimension, checksum, ...(datatype && { datatype }), ...(distance && { distance }) },
    ];
  }
  if (embedders.length === 0)
    throw new UsageError('The configuration file has no embedders, and no model was described.', {
      advice:
        'Add embedders to the file (`evr init` shows how), or pass --id, --model-version, --dimension and --checksum.',
    });
  const specs = embedders.map(({ spec }) => spec);
  const wanted = o.model === undefined ? specs : [modelOf(specs, o.model, 'among the embedders')];
  return wanted.map((spec) => spec.toJSON());
}

async function notesOf(
  manager: EmbeddingVersionManager,
  o: Pick<RegisterValues, keyof typeof notesShape>,
): Promise<ModelNotes> {
  const { name, description, maxInputTokens, price, deprecatedAt, shutdownAt, successor } = o;
  const next = successor === undefined ? undefined : await registeredModel(manager, successor);
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(maxInputTokens !== undefined && { maxInputTokens }),
    ...(price !== undefined && { pricePerMillionTokens: price }),
    ...(deprecatedAt !== undefined && { deprecatedAt }),
    ...(shutdownAt !== undefined && { shutdownAt }),
    ...(next && { successor: { modelId: next.modelId, version: next.version } }),
  };
}

export const update = opened('steer', named.extend(notesShape), async (call, o, { manager }) => {
  const { modelId, version } = await registeredModel(manager, o.model);
  const notes = await notesOf(manager, o);
  if (Object.keys(notes).length === 0)
    throw new UsageError('Nothing was named to be changed.', {
      advice: '`evr models update --help` lists the notes.',
    });
  const model = await manager.updateModel({ modelId, version, ...notes });
  call.output.say(`Updated: ${modelName(model)}`);
  return { data: model };
});

const activateSchema = named.extend({ migrate: z.boolean().optional(), unchecked: z.boolean().optional() });

export const activate = opened('work', activateSchema, async (call, o, { manager }) => {
  const model = await registeredModel(manager, o.model);
  if (o.migrate === false) await confirmLeaving(call, manager, model);
  const plan = await manager.switchActiveModel({
    targetModelId: model.modelId,
    targetVersion: model.version,
    ...(o.migrate !== undefined && { migrateExisting: o.migrate }),
    ...(o.unchecked && { unchecked: true }),
  });
  call.output.say(`Active: ${modelName(model)}`);
  if (plan !== undefined) {
    call.output.say(`Plan:   ${plan.planId}, ${counted(plan.totalNodes, 'node')}`);
    const id = shortId(plan);
    if (plan.status !== 'completed')
      call.output.note(`Next: evr run ${id}; evr gate ${id} judges the new space before.`);
  }
  return { data: { model: await manager.getActiveModel(), plan } };
});

async function confirmLeaving(
  call: Call,
  manager: EmbeddingVersionManager,
  model: RegisteredModel,
): Promise<void> {
  const behind = await manager.registry.countBehind(model);
  if (behind === 0) return;
  call.output.note(
    `${counted(behind, 'node')} would stay at other models: searches with ${modelName(model)} would not find them.`,
  );
  await call.confirm('Activate it over them?', 'a switch that leaves nodes behind');
}

export const remove = opened('nodes', named, async (call, o, { manager }) => {
  const model = await registeredModel(manager, o.model);
  call.output.note(
    `Removes 1 model, ${modelName(model)}, registered ${dateTime(model.createdAt)} UTC. No node changes.`,
  );
  await call.confirm('Remove it?', 'the removal of a model');
  await manager.removeModel({ modelId: model.modelId, version: model.version });
  call.output.say(`Removed: ${modelName(model)}`);
  return { data: model };
});

/** The active model; undefined where none is. */
export async function activeModel(manager: EmbeddingVersionManager): Promise<RegisteredModel | undefined> {
  try {
    return await manager.getActiveModel();
  } catch (error) {
    if (isRegistryError(error, 'MODEL_UNKNOWN')) return undefined;
    throw error;
  }
}
