import assert from 'node:assert/strict';
import {
  isAtTarget,
  isRegistryError,
  type MigrationPlan,
  type RegistryErrorCode,
  sameStamp,
} from '@registry/core';
import { assertSound, tasksOf } from '../../crash/invariants.ts';
import { embedded, models } from '../../crash/models.ts';
import { stateOf } from '../../crash/node-states.ts';
import { planTo } from '../../crash/seeds.ts';
import { type Worker, World } from '../../crash/world.ts';
import { Actor } from './actor.ts';
import { Model } from './model.ts';

export const LEASE_MS = 31_000;
/** Retries back off for minutes; whatever takes longer than this waits for nothing. */
const PATIENCE_MS = 20 * 60_000;
/** Few, so that what is done at random meets on one node. */
export const nodeIds = ['one', 'three', 'two'] as const;
export type NodeId = (typeof nodeIds)[number];

const ended: readonly string[] = ['completed', 'failed', 'cancelled', 'rolled_back'];
const refusals: readonly RegistryErrorCode[] = [
  'PLAN_STATE',
  'PLAN_OVERLAP',
  'NODE_UNKNOWN',
  'BACKUP_MISSING',
];

/** Three nodes of a, and a plan to b that takes them two by two. */
export async function beginning(): Promise<World> {
  const world = await World.make();
  const { manager } = await world.open();
  for (const spec of Object.values(models)) await manager.registerModel({ ...spec.toJSON() });
  await world.application.put(
    nodeIds.map((id) => ({ id, content: `text of ${id}`, ...embedded('a', `text of ${id}`) })),
  );
  await world.application.put([{ id: 'two', content: 'was never embedded' }]);
  world.application.written.clear();
  world.start = await world.nodeStates();
  return world;
}

/** Two processes that work, and at the desk somebody who steers; the application writes beside them. */
export class Play {
  readonly world: World;
  readonly model: Model;
  readonly actors: readonly [Actor, Actor];
  readonly desk: Worker;
  readonly planIds: string[];
  /** Written since the plan was looked through: no sweep could find them. */
  readonly #late = new Set<string>();
  #texts = 0;

  private constructor(world: World, desk: Worker, planId: string) {
    this.world = world;
    this.desk = desk;
    this.planIds = [planId];
    this.actors = [new Actor(world), new Actor(world)];
    this.model = new Model(world.start);
    this.#watchApplication();
  }

  static async begin(made: World): Promise<Play> {
    const world = await made.fork();
    const desk = await world.open();
    return new Play(world, desk, await planTo(desk, 'b', { batchSize: 2, maxParallelWorkers: 2 }));
  }

  #watchApplication(): void {
    const { application } = this.world;
    const known = application.onWrite;
    application.onWrite = (id, before, after) => {
      const isTextAlone =
        after?.vector !== undefined &&
        sameStamp(before, after) &&
        before?.embeddedHash === after.embeddedHash;
      known(id, before, after);
      if (this.#isLookedThrough()) this.#late.add(id);
      this.model.wrote(id, stateOf(after), isTextAlone && !sameStamp(after, models.a.info));
    };
  }

  /** The plan has ended, or is being looked through for the last time perhaps. */
  #isLookedThrough(): boolean {
    const [plan] = this.world.registry.all<{ status: string; sweeps: number }>(
      `SELECT p.status, (SELECT count(*) FROM leases l WHERE l.plan = p.plan AND l.kind = 'sweep') AS sweeps
       FROM plans p WHERE p.plan_id = ?`,
      this.planId,
    );
    return ended.includes(plan?.status ?? '') || (plan?.sweeps ?? 0) > 0;
  }

  get planId(): string {
    return this.planIds.at(-1)!;
  }

  newText(): string {
    this.#texts += 1;
    return `new text ${this.#texts}`;
  }

  /**
   * Steers. What the plan's status forbids is refused, and nothing else is; what has to wait for a process that
   * does not go on is given up after a while.
   */
  async order(body: (desk: Worker, signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const giveUp = new AbortController();
    const ordered = new AbortController();
    const patience = this.world.clock.sleep(2 * LEASE_MS, ordered.signal).then(() => giveUp.abort());
    try {
      await this.world.run(body(this.desk, giveUp.signal));
    } catch (error) {
      const isRefused = isRegistryError(error) && refusals.includes(error.code);
      if (!isRefused && error !== giveUp.signal.reason) throw error;
    } finally {
      ordered.abort();
      await patience;
    }
  }

  /** One node alone. */
  async rollNodeBack({ manager }: Worker, nodeId: NodeId, signal?: AbortSignal): Promise<void> {
    const { planId } = this;
    const report = await manager.rollbackMigration({ planId, nodeId, ...(signal && { signal }) });
    if (!report.succeeded) return;
    const state = stateOf((await this.world.nodes()).get(nodeId));
    this.model.broughtBack(nodeId, planId, state);
  }

  /** Ends this plan and makes another one: to another model, or to the same where this one was undone. */
  async laterPlan(): Promise<void> {
    if (this.planIds.length > 1) return;
    await this.order(async ({ manager }) => {
      const { status } = await manager.getMigration(this.planId);
      if (!ended.includes(status)) await manager.cancelMigration(this.planId);
      this.planIds.push(
        await planTo(this.desk, status === 'rolled_back' ? 'b' : 'c', {
          batchSize: 2,
          maxParallelWorkers: 2,
        }),
      );
      this.#late.clear();
      this.world.states.forgetPlans();
    });
  }

  /** Nothing more is ordered: the last plan comes to rest, is right, and every plan can be undone. */
  async end(): Promise<void> {
    await this.world.run(Promise.all(this.actors.map((actor) => actor.free())), PATIENCE_MS);
    const plan = await this.#comeToRest();
    await this.#assertRested(plan);
    for (const planId of [...this.planIds].reverse()) await this.#undo(planId);
    this.world.witness.testify();
    const plans = await Promise.all(this.planIds.map((id) => this.desk.manager.getMigration(id)));
    this.model.assertUndone(await this.world.nodes(), plans);
    await assertSound(this.world, this.desk, this.planId, { mayFail: [...this.world.application.written] });
  }

  async #comeToRest(): Promise<MigrationPlan> {
    const { manager } = this.desk;
    const { planId } = this;
    if ((await manager.getMigration(planId)).status === 'paused') await manager.resumeMigration(planId);
    return this.world.run(manager.runMigration(planId), PATIENCE_MS);
  }

  async #assertRested({ planId }: MigrationPlan): Promise<void> {
    const mayFail = [...this.world.application.written];
    const plan = await assertSound(this.world, this.desk, planId, { mayFail });
    assert.ok(ended.includes(plan.status), plan.status);
    const nodes = await this.world.nodes();
    const earlier =
      planId === this.planIds[0] || sameStamp(plan.targetSpec.info, models.b.info) ? [] : [models.b.info];
    this.model.assertStay(nodes, planId, earlier);
    if (plan.status !== 'completed' && plan.status !== 'failed') return;
    const tasks = new Map((await tasksOf(this.desk, planId)).map((task) => [task.nodeId, task.status]));
    for (const [id, node] of nodes) {
      const status = tasks.get(id);
      if (this.#late.has(id) || status === 'failed' || status === 'rolled_back') continue;
      assert.ok(isAtTarget(node, plan.targetSpec.info), `${id} is ${status} and off the target`);
    }
  }

  async #undo(planId: string): Promise<void> {
    const report = await this.world.run(this.desk.manager.rollbackMigration({ planId }));
    assert.equal((await this.desk.manager.getMigration(planId)).status, 'rolled_back');
    assert.equal(report.failed, 0);
  }
}
