import { z } from 'zod';
import type { ManagerContext } from './context.ts';
import { RegistryError } from './errors.ts';
import {
  EmbeddingModelSpec,
  type ModelNotes,
  type ModelRef,
  modelNotesSchema,
  modelRefSchema,
  modelSpecSchema,
  type RegisteredModel,
} from './model/model-spec.ts';
import { parseOptions } from './options.ts';

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

/** The registered models. Made by `EmbeddingVersionManager.open`. */
export class EmbeddingRegistry {
  readonly #context: ManagerContext;

  constructor(context: ManagerContext) {
    this.#context = context;
  }

  /**
   * Registers a model; the same specification again is a no-op.
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
    if (setActive) await this.assertNoneBehind(spec);
    const notes = dropUndefined(given);
    const model = await this.#context.registry.putModel({
      spec,
      notes,
      activate: setActive,
      allowLowerVersion,
    });
    this.#context.events.emit('model:registered', model);
    if (setActive) this.#context.events.emit('model:activated', model);
    return spec;
  }

  /** Changes notes; what is not named stays. @throws RegistryError `MODEL_UNKNOWN`, `SPEC_INVALID` */
  async updateModel(options: ModelRef & ModelNotes): Promise<RegisteredModel> {
    const { modelId, version, ...notes } = parseOptions(updateSchema, options, 'model');
    return this.#context.registry.putNotes({ modelId, version }, dropUndefined(notes));
  }

  /** @throws RegistryError `MODEL_UNKNOWN`, `MODEL_IN_USE` (active, planned, or stamped on a node) */
  async removeModel(options: ModelRef): Promise<void> {
    const ref = parseOptions(modelRefSchema, options, 'model');
    const { nodes, registry } = this.#context;
    const stamped = (await nodes?.countByModel())?.filter(
      ({ info }) => info?.embeddingModelId === ref.modelId && info.embeddingVersion === ref.version,
    );
    const count = stamped?.reduce((sum, entry) => sum + entry.count, 0) ?? 0;
    if (count > 0)
      throw new RegistryError(
        'MODEL_IN_USE',
        `Model ${ref.modelId}:v${ref.version} made the vectors of ${count} nodes; migrate them first.`,
        { details: { ...ref, count } },
      );
    await registry.deleteModel(ref);
  }

  async getModel(options: ModelRef): Promise<RegisteredModel | undefined> {
    const { modelId, version } = parseOptions(modelRefSchema, options, 'model');
    return (await this.listModels()).find((model) => model.modelId === modelId && model.version === version);
  }

  /** @throws RegistryError `MODEL_UNKNOWN` where nobody made a model active */
  async getActiveModel(): Promise<RegisteredModel> {
    const active = (await this.listModels()).find((model) => model.isActive);
    if (active !== undefined) return active;
    throw new RegistryError(
      'MODEL_UNKNOWN',
      'No model is active; registerModel with setActive, or switchActiveModel.',
    );
  }

  /** In the order of registration. */
  listModels(): Promise<readonly RegisteredModel[]> {
    return this.#context.registry.models();
  }

  /** @throws RegistryError `MODEL_UNKNOWN` */
  async knownModel(ref: ModelRef): Promise<RegisteredModel> {
    const model = await this.getModel(ref);
    if (model !== undefined) return model;
    throw new RegistryError(
      'MODEL_UNKNOWN',
      `Model ${ref.modelId}:v${ref.version} is not registered; register it first.`,
      {
        details: { ...ref },
      },
    );
  }

  /** Nodes that are not stamped with this model; 0 without a node store. */
  async countBehind(spec: EmbeddingModelSpec): Promise<number> {
    const counts = (await this.#context.nodes?.countByModel()) ?? [];
    const isThere = (info: (typeof counts)[number]['info']) =>
      info?.embeddingModelId === spec.modelId &&
      info.embeddingVersion === spec.version &&
      info.embeddingChecksum === spec.checksum;
    return counts.reduce((sum, { info, count }) => sum + (isThere(info) ? 0 : count), 0);
  }

  /** @throws RegistryError `MIGRATION_REQUIRED` */
  async assertNoneBehind(spec: EmbeddingModelSpec): Promise<void> {
    const behind = await this.countBehind(spec);
    if (behind === 0) return;
    throw new RegistryError(
      'MIGRATION_REQUIRED',
      `${behind} nodes are not at ${spec.qualifiedId}, and searching them with it would return garbage; switchActiveModel with migrateExisting: true re-embeds them, with migrateExisting: false it activates the model over them.`,
      { details: { behind, modelId: spec.modelId, version: spec.version } },
    );
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
