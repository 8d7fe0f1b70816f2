import * as z from 'zod';
import { nextTurn } from './clock.ts';
import { declareModels, type ManagerContext } from './context.ts';
import { RegistryError } from './errors.ts';
import { sameStamp } from './model/compatibility.ts';
import {
  type EmbeddingInfo,
  EmbeddingModelSpec,
  type ModelNotes,
  type ModelRef,
  modelNotesSchema,
  modelRefSchema,
  modelSpecSchema,
  type RegisteredModel,
} from './model/model-spec.ts';
import { parseOptions } from './options.ts';
import type { NodeStore } from './ports/node-store.ts';
import { fillWitness } from './witness/assert-sound.ts';

const SCAN_PAGE = 1_000;

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
    if (isFlip && (known?.equals(spec) ?? true)) await this.assertNoneBehind(spec);
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
    const ref = await this.knownModel(parseOptions(refSchema, options, 'model'));
    const { nodes, registry } = this.#context;
    if (nodes === undefined) await this.#assertNoNodes('whether its vectors are in use');
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
    const { modelId, version } = parseOptions(refSchema, options, 'model');
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
        details: { modelId: ref.modelId, version: ref.version },
      },
    );
  }

  /**
   * Nodes that are not at this model; 0 in a registry that serves no node store.
   * @throws RegistryError `NODE_STORE_MISSING` where it serves one that was not passed to `open`
   */
  async countBehind(spec: EmbeddingModelSpec): Promise<number> {
    const { nodes } = this.#context;
    if (nodes === undefined) {
      await this.#assertNoNodes('how many nodes would be left behind', ', or say migrateExisting: false');
      return 0;
    }
    const counts = await nodes.countByModel();
    const behind = counts.reduce(
      (sum, { info, count }) => sum + (info !== undefined && sameStamp(info, spec.info) ? 0 : count),
      0,
    );
    // Stamps say most of it at once. Where all are right, texts may still have changed since.
    return behind > 0 ? behind : countScanned(nodes, spec.info);
  }

  async #assertNoNodes(unknown: string, otherWay = ''): Promise<void> {
    if ((await this.#context.registry.nodeStoreId()) === undefined) return;
    throw new RegistryError(
      'NODE_STORE_MISSING',
      `This registry has a node store, and ${unknown} cannot be told without it; pass nodeStore to open${otherWay}.`,
    );
  }

  /** @throws RegistryError `MIGRATION_REQUIRED`, `NODE_STORE_MISSING` */
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

async function countScanned(nodes: NodeStore, target: EmbeddingInfo): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const page = await nodes.scan({
      notAt: target,
      limit: SCAN_PAGE,
      ...(after !== undefined && { after }),
    });
    count += page.items.length;
    await nextTurn();
    after = page.next;
  } while (after !== undefined);
  return count;
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function dropUndefined(
  notes: { readonly [Key in keyof ModelNotes]?: ModelNotes[Key] | undefined },
): ModelNotes {
  return Object.fromEntries(
    Object.entries(notes).filter(([, value]) => value !== undefined),
  ) as Defined<ModelNotes>;
}
