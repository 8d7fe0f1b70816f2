import * as z from 'zod';
import { declareModels, type ManagerContext } from './context.ts';
import { RegistryError } from './errors.ts';
import { knownActiveModel, knownModel } from './lookups.ts';
import {
  EmbeddingModelSpec,
  type ModelNotes,
  type ModelRef,
  modelNamed,
  modelNotesSchema,
  modelRefSchema,
  modelSpecSchema,
  type RegisteredModel,
} from './model/model-spec.ts';
import { parseOptions } from './options.ts';
import { assertNoNodes, assertNoneBehind, countBehind } from './planner/nodes-behind.ts';
import { fillWitness } from './witness/assert-sound.ts';

/** A specification and its notes. `setActive` makes it the active model, `allowLowerVersion` takes a version below the highest. */
export interface RegisterModelOptions extends ModelRef, ModelNotes {
  dimension: number;
  checksum: string;
  datatype?: EmbeddingModelSpec['datatype'];
  distance?: EmbeddingModelSpec['distance'];
  setActive?: boolean;
  allowLowerVersion?: boolean;
}

const registerSchema = modelSpecSchema.extend({
  ...modelNotesSchema.shape,
  setActive: z.boolean().default(false),
  allowLowerVersion: z.boolean().default(false),
});
const updateSchema = modelRefSchema.extend(modelNotesSchema.shape);
/** A specification is a reference too: what else it says is not asked for. */
const refSchema = z.object(modelRefSchema.shape);

/** The registered models. Made by `EmbeddingVersionManager.open`. */
export class EmbeddingRegistry {
  readonly #context: ManagerContext;

  constructor(context: ManagerContext) {
    this.#context = context;
  }

  /**
   * Registers a model; the same specification again is a no-op. Where its embedder is here and it has no witness
   * yet, a few pinned texts are embedded and kept with it.
   * @throws RegistryError `SPEC_INVALID`, `MODEL_CONFLICT` (another checksum, dimension, datatype or distance,
   * or a lower version), `MIGRATION_REQUIRED` where `setActive` would leave nodes behind
   */
  async registerModel(options: RegisterModelOptions): Promise<EmbeddingModelSpec> {
    const o = parseOptions(registerSchema, options, 'model');
    const {
      modelId,
      version,
      dimension,
      checksum,
      datatype,
      distance,
      setActive,
      allowLowerVersion,
      ...given
    } = o;
    const spec = new EmbeddingModelSpec({
      modelId,
      version,
      dimension,
      checksum,
      datatype,
      ...(distance && { distance }),
    });
    const known = await this.getModel({ modelId, version });
    const isFlip = setActive && !known?.isActive;
    // A conflict is said first: the nodes have nothing to do with it.
    if (isFlip && (known?.equals(spec) ?? true)) await assertNoneBehind(this.#context, spec);
    const { events, registry } = this.#context;
    const model = await registry.putModel({
      spec,
      notes: dropUndefined(given),
      activate: setActive,
      allowLowerVersion,
    });
    if (known === undefined) {
      await declareModels(this.#context);
      events.emit('model:registered', model);
    }
    if (isFlip) events.emit('model:activated', model);
    await fillWitness(this.#context, model);
    return spec;
  }

  /** Changes notes; what is not named stays. @throws RegistryError `MODEL_UNKNOWN`, `SPEC_INVALID` */
  async updateModel(options: ModelRef & ModelNotes): Promise<RegisteredModel> {
    const { modelId, version, ...notes } = parseOptions(updateSchema, options, 'model');
    return this.#context.registry.putNotes({ modelId, version }, dropUndefined(notes));
  }

  /** @throws RegistryError `MODEL_UNKNOWN`, `MODEL_IN_USE` (active, planned, or stamped on a node), `NODE_STORE_MISSING` */
  async removeModel(options: ModelRef): Promise<void> {
    const ref = await knownModel(this.#context, parseOptions(refSchema, options, 'model'));
    const { nodes, registry } = this.#context;
    if (nodes === undefined) await assertNoNodes(this.#context, 'whether its vectors are in use');
    const stamped = (await nodes?.countByModel())?.filter(
      ({ info }) => info?.embeddingModelId === ref.modelId && info.embeddingVersion === ref.version,
    );
    const count = stamped?.reduce((sum, entry) => sum + entry.count, 0) ?? 0;
    if (count > 0)
      throw new RegistryError(
        'MODEL_IN_USE',
        `Model ${ref.modelId}:v${ref.version} made the vectors of ${count} nodes; migrate them first.`,
        { details: { modelId: ref.modelId, version: ref.version, count } },
      );
    await registry.deleteModel({ modelId: ref.modelId, version: ref.version });
  }

  async getModel(options: ModelRef): Promise<RegisteredModel | undefined> {
    return modelNamed(await this.listModels(), parseOptions(refSchema, options, 'model'));
  }

  /** @throws RegistryError `MODEL_UNKNOWN` where nobody made a model active */
  getActiveModel(): Promise<RegisteredModel> {
    return knownActiveModel(this.#context);
  }

  /** In the order of registration. */
  listModels(): Promise<readonly RegisteredModel[]> {
    return this.#context.registry.models();
  }

  /**
   * Nodes that are not at this model; 0 in a registry that serves no node store.
   * @throws RegistryError `NODE_STORE_MISSING` where it serves one that was not passed to `open`
   */
  countBehind(spec: EmbeddingModelSpec): Promise<number> {
    return countBehind(this.#context, spec);
  }
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function dropUndefined(
  notes: { readonly [Key in keyof ModelNotes]?: ModelNotes[Key] | undefined },
): ModelNotes {
  return Object.fromEntries(
    Object.entries(notes).filter(([, value]) => value !== undefined),
  ) as Defined<ModelNotes>;
}
