/**
 * The spend cap of a plan, as one batch obeys it: the tokens of a call are counted in the registry before it is
 * sent, and put right by what it cost once it has ended. So whatever dies in between leaves too much counted, never
 * too little.
 */

import type { ManagerContext } from '../context.ts';
import type { Reason } from '../errors.ts';
import { spendCapReason } from '../model/spend-cap.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { Lease, RegistryStore } from '../ports/registry-store.ts';
import type { CallResult } from './embed-call.ts';

/** An estimate of tokens may be a third below what is billed. */
const MARGIN_OF_ESTIMATE = 1.5;
/** A tokenizer makes at most one token of a byte, and two to mark begin and end. */
const MARKS = 2;

/** A call that may be sent. */
export interface Permit {
  /** The texts it may have, from the first on. */
  readonly texts: readonly string[];
  /** To be called with what the provider says it billed. */
  readonly onBilled: (tokens: number) => void;
  /** To be told how the call ended. */
  readonly settle: (result: CallResult) => Promise<void>;
  /** Why it may not have all of them. */
  readonly reason?: Reason;
}

/** What is bought for a plan: the texts of its nodes, or its witness, which is no use in part and comes from no cache. */
export type Purchase = 'nodes' | 'witness';

export class Budget {
  readonly #registry: RegistryStore;
  readonly #lease: Lease;
  readonly #embedder: Embedder;
  readonly #purchase: Purchase;

  private constructor(registry: RegistryStore, lease: Lease, embedder: Embedder, purchase: Purchase) {
    this.#registry = registry;
    this.#lease = lease;
    this.#embedder = embedder;
    this.#purchase = purchase;
  }

  /** Undefined for a plan without a cap. @throws RegistryError `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH` */
  static of(
    { registry, embedders }: Pick<ManagerContext, 'registry' | 'embedders'>,
    lease: Lease,
    purchase: Purchase,
  ): Budget | undefined {
    const { spendCap, targetSpec } = lease.plan;
    return spendCap && new Budget(registry, lease, embedders.get(targetSpec).embedder, purchase);
  }

  /** Undefined once the lease is gone: nothing of this batch will count, so nothing more is paid for it. */
  async permit(texts: readonly string[]): Promise<Permit | undefined> {
    const tokens = await this.#tokensOf(texts);
    const reservation = await this.#registry.reserveTokens(this.#lease, tokens);
    if (reservation === undefined) return undefined;
    const { spending } = reservation;
    let { granted } = reservation;
    let reserved = sumOf(tokens.slice(0, granted));
    let next = tokens[granted];
    if (next !== undefined && this.#purchase === 'witness') {
      await this.#registry.settleTokens(this.#lease, { reserved, billed: 0 });
      [granted, reserved, next] = [0, 0, sumOf(tokens)];
    }
    let billed: number | undefined;
    const reason =
      next === undefined || spending === undefined
        ? undefined
        : spendCapReason({ ...spending, spentTokens: spending.spentTokens + reserved }, next);
    return {
      texts: texts.slice(0, granted),
      onBilled: (count) => {
        if (Number.isFinite(count) && count >= 0) billed = (billed ?? 0) + Math.ceil(count);
      },
      settle: (result) => this.#settle(reserved, billed, result),
      ...(reason && { reason }),
    };
  }

  /** What each text costs at most; 0 where it costs nothing. */
  async #tokensOf(texts: readonly string[]): Promise<readonly number[]> {
    const isFree =
      this.#purchase === 'witness'
        ? []
        : ((await this.#embedder.cached?.(texts, { purpose: 'document' })) ?? []);
    const paid = texts.filter((_, index) => !isFree[index]);
    const counted = paid.length === 0 ? undefined : await this.#embedder.countTokens?.(paid);
    const margin = counted?.exact ? 1 : MARGIN_OF_ESTIMATE;
    let position = -1;
    return texts.map((text, index) => {
      if (isFree[index]) return 0;
      position += 1;
      const count = counted?.tokens[position];
      return count === undefined ? Buffer.byteLength(text) + MARKS : Math.ceil(count * margin);
    });
  }

  /**
   * What the provider says it billed is what counts. Where it says nothing, a call that it refused as a whole cost
   * nothing; one that may have been answered (a timeout, a lost connection) stays counted.
   */
  async #settle(reserved: number, billed: number | undefined, result: CallResult): Promise<void> {
    const wasRefused =
      result.kind === 'rateLimited' ||
      result.kind === 'fatal' ||
      (result.kind === 'refused' && result.reason.code !== 'VECTOR_INVALID');
    const cost =
      result.kind === 'transient' ? Math.max(reserved, billed ?? 0) : (billed ?? (wasRefused ? 0 : reserved));
    if (cost !== reserved) await this.#registry.settleTokens(this.#lease, { reserved, billed: cost });
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
