import assert from 'node:assert/strict';
import {
  type EmbeddingInfo,
  isAtTarget,
  type MigrationPlan,
  type StoredNode,
  sameStamp,
} from '@registry/core';
import { stateOf } from '../../crash/node-states.ts';

interface Known {
  /** The node as the application left it. */
  readonly left: string;
  /** The application changed the text alone under a vector of a plan's target: a rollback leaves both alone. */
  readonly isMixed: boolean;
}

/**
 * What becomes of nodes where nothing goes wrong, told by the application's writes alone: in the end every plan
 * is undone, and each node is as the application left it.
 */
export class Model {
  readonly #nodes = new Map<string, Known>();
  /** Rolled back alone from this plan, and not written by the application since. */
  readonly #backAlone = new Map<string, { readonly planId: string; readonly state: string }>();

  constructor(start: ReadonlyMap<string, string>) {
    for (const [id, left] of start) this.#nodes.set(id, { left, isMixed: false });
  }

  wrote(id: string, left: string, isMixed: boolean): void {
    this.#nodes.set(id, { left, isMixed });
    this.#backAlone.delete(id);
  }

  broughtBack(id: string, planId: string, state: string): void {
    this.#backAlone.set(id, { planId, state });
  }

  /**
   * Whoever brought a node back alone wants it to stay so while the plan goes on. `earlier`: targets of plans
   * before, of which a write that was under way may still arrive.
   */
  assertStay(
    nodes: ReadonlyMap<string, StoredNode>,
    planId: string,
    earlier: readonly EmbeddingInfo[],
  ): void {
    for (const [id, back] of this.#backAlone) {
      const node = nodes.get(id);
      if (back.planId !== planId || earlier.some((target) => sameStamp(node, target))) continue;
      assert.equal(stateOf(node), back.state, `${id} was brought back alone`);
    }
  }

  /** No plan is left: there stands what the application left, or a conflict that was left to it. */
  assertUndone(nodes: ReadonlyMap<string, StoredNode>, plans: readonly MigrationPlan[]): void {
    for (const [id, { left, isMixed }] of this.#nodes) {
      const node = nodes.get(id);
      const isConflict = node !== undefined && plans.some((plan) => isAtTarget(node, plan.targetSpec.info));
      if (isMixed && isConflict) continue;
      assert.equal(stateOf(node), left, `${id} is not as it was left`);
    }
  }
}
