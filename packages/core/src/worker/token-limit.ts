import type { ManagerContext } from '../context.ts';
import type { Reason } from '../errors.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { RegistryStore } from '../ports/registry-store.ts';

/** The longest input of a model, where it is noted and its tokens can be counted. */
export class TokenLimit {
  readonly #maxInputTokens: number;
  readonly #count: NonNullable<Embedder['countTokens']>;

  private constructor(maxInputTokens: number, count: NonNullable<Embedder['countTokens']>) {
    this.#maxInputTokens = maxInputTokens;
    this.#count = count;
  }

  static async of(
    { registry, embedders }: Pick<ManagerContext, 'embedders'> & { registry: Pick<RegistryStore, 'models'> },
    spec: EmbeddingModelSpec,
  ): Promise<TokenLimit | undefined> {
    const { embedder } = embedders.get(spec);
    if (embedder.countTokens === undefined) return undefined;
    const model = (await registry.models()).find((other) => other.equals(spec));
    if (model?.maxInputTokens === undefined) return undefined;
    return new TokenLimit(model.maxInputTokens, (texts) => embedder.countTokens!(texts));
  }

  /** The fault of each text. Against an estimate nothing is refused: the embedder itself will tell. */
  async check(texts: readonly string[]): Promise<readonly (Reason | undefined)[]> {
    if (texts.length === 0) return [];
    const { tokens, exact } = await this.#count(texts);
    return tokens.map((count): Reason | undefined => {
      if (!exact || count <= this.#maxInputTokens) return undefined;
      const message = `The content has ${count} tokens, the model takes ${this.#maxInputTokens}; shorten or split it, then retry.`;
      return { code: 'CONTENT_TOO_LONG', message };
    });
  }
}
