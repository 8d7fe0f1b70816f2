/**
 * Embeds the texts of a batch and finds out whose fault a failure is.
 *
 * A refused call is split until the guilty text is alone. A transient failure (5xx, timeout, connection)
 * concerns no text at first: the plan is held. When the batch fails again after the hold, a fixed probe text
 * tells server and text apart: if the server answers that, the batch is split like a refused one, and each
 * text that fails alone is at fault only if the server answers the probe right after it. Nothing is charged
 * to a text while nothing else succeeds.
 */
import type { Reason } from '../errors.ts';
import type { Vector } from '../model/vector.ts';
import type { Budget } from './budget.ts';
import { chunked } from './chunks.ts';
import { type CallResult, callEmbedder, type EmbedCallOptions, isVector, PROBE_TEXT } from './embed-call.ts';

export type Interruption =
  | { readonly kind: 'hold'; readonly reason: Reason; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'pause'; readonly reason: Reason }
  /** The worker stops: what is not decided goes back unharmed. */
  | { readonly kind: 'stop' };

export interface EmbeddedBatch {
  /** Vector or fault of each text; texts that are missing were not decided before an interruption. */
  readonly results: ReadonlyMap<string, Vector | Reason>;
  readonly answered: boolean;
  readonly interruption?: Interruption;
}

export interface EmbedBatchOptions extends EmbedCallOptions {
  /** The plan was held when the batch was claimed: a transient failure is its second. */
  readonly isProbe: boolean;
  /** Once aborted, the call in hand ends as it may and no further one is made. */
  readonly stopping: AbortSignal;
  /** Absent where the plan has no spend cap. */
  readonly budget?: Budget | undefined;
}

export async function embedBatch(texts: readonly string[], o: EmbedBatchOptions): Promise<EmbeddedBatch> {
  const run = new BatchEmbedding(o);
  for (const chunk of await chunked(texts, o.embedders.get(o.spec).embedder)) {
    await run.embed(chunk);
    if (run.isOver || o.stopping.aborted) break;
  }
  await run.doubt();
  run.end();
  return run;
}

class BatchEmbedding implements EmbeddedBatch {
  readonly results = new Map<string, Vector | Reason>();
  answered = false;
  interruption?: Interruption;
  /** The server is known to answer, so what fails now is the texts' fault. */
  #isSuspect = false;
  /** Why the spend cap allowed no further text. */
  #capped: Reason | undefined;
  readonly #options: EmbedBatchOptions;

  constructor(options: EmbedBatchOptions) {
    this.#options = options;
  }

  get isOver(): boolean {
    return this.interruption !== undefined || this.#capped !== undefined;
  }

  async embed(all: readonly string[]): Promise<void> {
    const { result, texts } = await this.#call(all);
    if (result === undefined) return;
    if (result.kind === 'answered') return this.#keep(texts, result);
    if (this.#options.stopping.aborted) return this.#interrupt({ kind: 'stop' });
    if (result.kind === 'refused') return this.#narrow(texts, result.reason);
    if (result.kind !== 'transient') return this.#interrupt(interruptionOf(result));
    if (!this.#isSuspect && !this.#options.isProbe) return this.#interrupt(interruptionOf(result));
    if (!this.#isSuspect || texts.length === 1) {
      const probe = await this.#probe();
      if (probe !== undefined) return this.#interrupt(probe);
      this.#isSuspect = true;
    }
    return this.#narrow(texts, result.reason);
  }

  /** Sends the texts that the spend cap allows; where it does not allow all of them, the rest is not decided. */
  async #call(
    all: readonly string[],
  ): Promise<{ readonly result?: CallResult; readonly texts: readonly string[] }> {
    const { budget } = this.#options;
    if (budget === undefined) return { result: await callEmbedder(all, this.#options), texts: all };
    const permit = await budget.permit(all);
    if (permit === undefined) this.#interrupt({ kind: 'stop' });
    this.#capped ??= permit?.reason;
    if (permit === undefined || permit.texts.length === 0) return { texts: [] };
    const result = await callEmbedder(permit.texts, { ...this.#options, onBilled: permit.onBilled });
    await permit.settle(result);
    return { result, texts: permit.texts };
  }

  /**
   * Where every text was refused and nothing was ever answered, the embedder may refuse all texts. Then no
   * text is at fault, and the plan is paused.
   */
  async doubt(): Promise<void> {
    if (this.answered || this.interruption !== undefined || this.results.size === 0) return;
    const probe = this.#options.stopping.aborted ? ({ kind: 'stop' } as const) : await this.#probe();
    if (probe === undefined) return;
    this.results.clear();
    this.#interrupt(probe);
  }

  /** What the cap left over is not decided, and no text is at fault for it. */
  end(): void {
    if (this.#capped !== undefined && this.interruption === undefined)
      this.#interrupt({ kind: 'pause', reason: this.#capped });
  }

  #keep(texts: readonly string[], result: Extract<CallResult, { kind: 'answered' }>): void {
    for (const [index, text] of texts.entries()) {
      const vector = result.vectors[index];
      if (vector === undefined) continue;
      this.results.set(text, vector);
      if (isVector(vector)) this.answered = true;
    }
  }

  async #narrow(texts: readonly string[], reason: Reason): Promise<void> {
    const [first] = texts;
    if (texts.length === 1 && first !== undefined) {
      this.results.set(first, reason);
      return;
    }
    const middle = Math.ceil(texts.length / 2);
    await this.embed(texts.slice(0, middle));
    if (!this.isOver) await this.embed(texts.slice(middle));
  }

  /** Undefined where the embedder answers a plain text. */
  async #probe(): Promise<Interruption | undefined> {
    const { result } = await this.#call([PROBE_TEXT]);
    if (result === undefined)
      return this.#capped ? { kind: 'pause', reason: this.#capped } : this.interruption;
    if (result.kind === 'answered') {
      const fault = result.vectors.find((vector) => !isVector(vector)) as Reason | undefined;
      if (fault !== undefined) return { kind: 'pause', reason: fault };
      this.answered = true;
      return undefined;
    }
    if (result.kind === 'refused') return { kind: 'pause', reason: result.reason };
    return interruptionOf(result);
  }

  #interrupt(interruption: Interruption): void {
    this.interruption = interruption;
  }
}

function interruptionOf(
  result: Extract<CallResult, { kind: 'transient' | 'rateLimited' | 'fatal' }>,
): Interruption {
  if (result.kind === 'fatal') return { kind: 'pause', reason: result.reason };
  return {
    kind: 'hold',
    reason: result.reason,
    ...(result.kind === 'rateLimited' && { retryAfterMs: result.retryAfterMs }),
  };
}
