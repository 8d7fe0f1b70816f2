import { RegistryError } from './errors.ts';
import {
  type EmbeddingModelSpec,
  type ModelRef,
  type SpecFields,
  specDifference,
} from './model/model-spec.ts';
import type { Embedder } from './ports/embedder.ts';
import { Semaphore } from './semaphore.ts';

const key = (ref: ModelRef) => `${ref.version}:${ref.modelId}`;

interface Entry {
  readonly embedder: Embedder;
  readonly calls: Semaphore;
}

/** The embedders of a manager by the model they stand for, each with its limit of calls under way. */
export class EmbedderSet {
  readonly #entries = new Map<string, Entry>();

  /** @throws RegistryError `EMBEDDER_MISMATCH` for two that say they are the same model */
  constructor(embedders: readonly Embedder[]) {
    for (const embedder of embedders) {
      const { spec, limits } = embedder;
      if (this.#entries.has(key(spec)))
        throw new RegistryError(
          'EMBEDDER_MISMATCH',
          `Two embedders were passed for ${spec.qualifiedId}; pass one for each model.`,
        );
      this.#entries.set(key(spec), {
        embedder,
        calls: new Semaphore(limits?.concurrency ?? Number.POSITIVE_INFINITY),
      });
    }
  }

  /** Of all of them. */
  get specs(): readonly EmbeddingModelSpec[] {
    return [...this.#entries.values()].map(({ embedder }) => embedder.spec);
  }

  /** Why there is none for this specification; undefined where there is one. */
  lacks(spec: SpecFields & { readonly qualifiedId: string }): RegistryError | undefined {
    const entry = this.#entries.get(key(spec));
    if (entry === undefined)
      return new RegistryError(
        'EMBEDDER_MISSING',
        `No embedder for ${spec.qualifiedId} was passed to open; add one to embedders.`,
        {
          details: { modelId: spec.modelId, version: spec.version },
        },
      );
    const difference = specDifference(entry.embedder.spec, spec);
    if (difference === undefined) return undefined;
    return new RegistryError(
      'EMBEDDER_MISMATCH',
      `The embedder for ${spec.modelId}:v${spec.version} has ${difference} ${entry.embedder.spec[difference]}, the registered model ${spec[difference]}; pass the right embedder, or register this one as the next version.`,
      {
        details: {
          field: difference,
          registered: spec[difference],
          embedder: entry.embedder.spec[difference],
        },
      },
    );
  }

  /** @throws RegistryError `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH` */
  get(spec: SpecFields & { readonly qualifiedId: string }): Entry {
    const lack = this.lacks(spec);
    if (lack !== undefined) throw lack;
    return this.#entries.get(key(spec)) as Entry;
  }
}
