import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';

/**
 * Turns texts into vectors of one model.
 * Errors: throws `EmbedderError` with its kind; anything else thrown counts as `transient`.
 */
export interface Embedder {
  /** The checksum covers the document side. */
  readonly spec: EmbeddingModelSpec;
  /**
   * Per call: texts, tokens, and the milliseconds after which one without an answer counts as `transient` (60,000
   * unless told). `concurrency`: calls under way at once.
   */
  readonly limits?: {
    readonly texts?: number;
    readonly tokens?: number;
    readonly timeoutMs?: number;
    readonly concurrency?: number;
  };
  /**
   * One vector per text, in order. Nothing is kept of an aborted call. `fresh`: what the model makes now is asked
   * for; a cache lets such a call through.
   */
  embed(
    texts: readonly string[],
    options: {
      purpose: 'document' | 'query';
      signal?: AbortSignal;
      fresh?: boolean;
      /** Called before the call ends with the tokens that were billed for it, once or in parts, where that is known. */
      onBilled?: (tokens: number) => void;
    },
  ): Promise<readonly Vector[]>;
  /** Of each text, whether its vector is at hand, so that asking for it costs nothing. */
  cached?(texts: readonly string[], options: { purpose: 'document' | 'query' }): Promise<readonly boolean[]>;
  /** Tokens of each text. `exact: false`: an estimate, against which nothing is refused. */
  countTokens?(texts: readonly string[]): Promise<{ tokens: readonly number[]; exact: boolean }>;
}
