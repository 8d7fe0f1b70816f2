/**
 * Kills and freezes the processes of a phase until its plan rests, looks on at every kill, and sees to it that
 * whatever was frozen goes on before the phase is judged.
 */
import { systemClock } from '@registry/core';
import type { Chance } from './chance.ts';
import { Flow } from './flow.ts';
import { MOST_LANES } from './ground.ts';
import type { ChaosProcess } from './processes/process.ts';
import { IN_TRANSACTION } from './processes/voice.ts';
import type { Tally } from './tally.ts';
import type { Orders } from './troop.ts';
import { Troop } from './troop.ts';
import type { ChaosWorld } from './world.ts';

/** Real time in which a plan that nobody disturbs has to come to rest. */
const PATIENCE_MS = 90_000;
/** A lease and a little more. */
const FROZEN_MS = 35_000;
/** A task that is lost alone three times is taken for what kills workers; chance must not do that. */
const LONE_LOSSES_AT_MOST = 2;
/** Workers at once that stand still until the plan rests. */
const MOST_LEFT = 2;
const resting = ['completed', 'failed', 'cancelled', 'rolled_back'];

export interface StormOptions {
  readonly planId: string;
  /** Once there were this many kills, no more. */
  readonly kills: number;
  /** Ends the phase earlier, everybody still at work; from 0 to 1. */
  readonly untilShare?: number;
}

export class Storm {
  readonly #world: ChaosWorld;
  readonly #chance: Chance;
  readonly #tally: Tally;
  readonly #troop: Troop;
  readonly #flow: Flow;
  #failure: unknown;
  #killedAt: number | undefined;
  #settledAtKill = 0;
  #kills = 0;

  constructor(world: ChaosWorld, chance: Chance, tally: Tally, orders: Orders) {
    this.#world = world;
    this.#chance = chance;
    this.#tally = tally;
    this.#troop = new Troop(orders, chance, tally);
    this.#troop.onFailure = (error) => (this.#failure ??= error);
    const living = () => this.#troop.of().filter(({ state }) => state === 'running');
    this.#flow = new Flow(world.time, world.registry, living);
    this.#flow.start();
  }

  /** What the others are to do from now on. */
  async command(orders: Orders): Promise<void> {
    await this.#troop.rest('operator');
    this.#troop.orders = orders;
    this.#troop.isCalm = false;
    this.#troop.isEditing = true;
  }

  /** Makes a plan, however often whoever makes it is killed. */
  async plan(): Promise<string> {
    for (;;) {
      this.#check();
      this.#troop.replenish();
      const [operator] = this.#troop.of('operator');
      if (operator === undefined) continue;
      const over = await this.#watch(operator);
      await this.#meet(undefined);
      if (over !== undefined) return over;
    }
  }

  /** The id of the plan, or undefined where the operator stopped or died before it knew it. */
  async #watch(operator: ChaosProcess): Promise<string | undefined> {
    const isDone = () =>
      operator.state !== 'running' || operator.messages.some(({ kind }) => kind === 'rested');
    while (!isDone()) {
      this.#check();
      operator.keepGoing();
      await systemClock.sleep(10);
    }
    const told = operator.messages.find(({ kind }) => kind === 'planned');
    return operator.messages.some(({ kind }) => kind === 'rested') ? (told?.planId as string) : undefined;
  }

  async rage(o: StormOptions): Promise<void> {
    this.#kills = 0;
    let calmSince: number | undefined;
    while (!this.#isOver(o)) {
      this.#check();
      if (this.#chance.is(0.5) && this.#share(o.planId) > 0.7) this.#troop.isEditing = false;
      if (!this.#troop.isEditing) await this.#troop.rest('application');
      if (this.#kills >= o.kills && calmSince === undefined) {
        calmSince = Date.now();
        this.#troop.isCalm = true;
        await this.#troop.rest('application');
        await this.#resume(o.planId);
      }
      if (calmSince !== undefined && Date.now() - calmSince > PATIENCE_MS)
        throw new Error(
          `Plan ${o.planId} does not come to rest: ${JSON.stringify(this.#world.status(o.planId))}`,
        );
      this.#troop.replenish();
      await systemClock.sleep(this.#chance.between(20, 250));
      await this.#meet(o);
      if (!this.#troop.isCalm) await this.#strike(o);
      this.#noteRecovery(o.planId);
    }
    if (o.untilShare === undefined) await this.calm(o.planId);
  }

  /** Begins a rollback, however often whoever asks for it is killed, and sees it through. */
  async rollBack(o: StormOptions): Promise<void> {
    const isBegun = () => ['rolling_back', 'rolled_back'].includes(this.#world.status(o.planId).status);
    while (!isBegun()) {
      this.#check();
      this.#troop.replenish();
      await systemClock.sleep(10);
      await this.#meet(o);
    }
    await this.rage(o);
  }

  #isOver({ planId, untilShare = Number.POSITIVE_INFINITY }: StormOptions): boolean {
    return resting.includes(this.#world.status(planId).status) || this.#share(planId) >= untilShare;
  }

  #share(planId: string): number {
    const { settled, total } = this.#world.status(planId);
    return settled / total;
  }

  /** Everybody finishes what is in hand, also who is still frozen; nothing moves any more. */
  async calm(planId?: string): Promise<void> {
    this.#troop.isCalm = true;
    for (const process of this.#troop.of()) process.thaw();
    await this.#troop.rest();
    this.#check();
    if (planId !== undefined) this.#world.witness.look(planId, MOST_LANES);
  }

  async end(): Promise<void> {
    await this.#flow.stop();
    await this.#troop.killAll();
  }

  /** No operator is left to do it. */
  async #resume(planId: string): Promise<void> {
    await this.#troop.rest('operator');
    if (this.#world.status(planId).status !== 'paused') return;
    const { orders } = this.#troop;
    this.#troop.orders = { ...orders, order: { kind: 'resume', planId } };
    this.#troop.isCalm = false;
    this.#troop.replenish();
    this.#troop.isCalm = true;
    await this.#troop.rest('operator');
    await this.#troop.rest('application');
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const process of this.#troop.of('worker')) {
      const error = process.messages.find(({ kind, level }) => kind === 'says' && level === 'error');
      if (error !== undefined) throw new Error(`A worker gave up: ${String(error.message)}`);
    }
  }

  /** Those that have stopped themselves at a place of interest. */
  async #meet(o: StormOptions | undefined): Promise<void> {
    for (const process of this.#troop.of()) {
      if (process.state !== 'frozen' || this.#troop.left.has(process)) continue;
      await process.standsStill();
      const where = process.messages.findLast(({ kind }) => kind === 'stops')?.where;
      const mayBeLeft = process.role === 'worker' && where !== IN_TRANSACTION;
      if (this.#troop.isCalm || this.#chance.is(0.3)) await this.#pass(process);
      else if (mayBeLeft && this.#troop.left.size < MOST_LEFT && this.#chance.is(0.5)) this.#leave(process);
      else await this.#kill(process, o, `at ${String(where)}`);
    }
  }

  /** It stands still until the plan rests, be it that somebody cancels it or rolls it back meanwhile. */
  #leave(process: ChaosProcess): void {
    this.#tally.add('frozen until the plan rests: worker');
    this.#troop.left.add(process);
  }

  /** Somebody, at any time. */
  async #strike(o: StormOptions): Promise<void> {
    const lot = this.#chance.draw();
    const role = lot < 0.3 ? 'worker' : lot < 0.4 ? 'application' : lot < 0.5 ? 'operator' : undefined;
    if (role === undefined) {
      const worker = this.#ready('worker');
      if (lot < 0.6 && worker !== undefined) {
        await worker.freeze();
        await this.#pass(worker);
      } else this.#world.witness.look(o.planId, MOST_LANES);
      return;
    }
    const process = this.#ready(role);
    if (process === undefined) return;
    await process.freeze();
    await this.#kill(process, o, 'at any time');
  }

  #ready(role: 'worker' | 'application' | 'operator'): ChaosProcess | undefined {
    const there = this.#troop.of(role).filter(({ state, isReady }) => state === 'running' && isReady);
    return there.length === 0 ? undefined : this.#chance.pick(there);
  }

  /** Others take over while it is frozen; then it goes on. */
  async #pass(process: ChaosProcess): Promise<void> {
    this.#tally.add(`frozen: ${process.role}`);
    const until = this.#world.time.now() + FROZEN_MS;
    const realUntil = Date.now() + 1_000;
    while (this.#world.time.now() < until) {
      this.#check();
      // It holds the lock: nobody can tell that he lives.
      this.#flow.isForced = Date.now() > realUntil;
      await systemClock.sleep(10);
    }
    this.#flow.isForced = false;
    process.thaw();
  }

  async #kill(process: ChaosProcess, o: StormOptions | undefined, where: string): Promise<void> {
    if (process.role === 'worker' && this.#isMarked(process.pid)) {
      this.#tally.add('spared, for chance would have killed with one text three times');
      process.thaw();
      return;
    }
    await process.kill();
    this.#tally.add(`killed: ${process.role} ${where}`);
    this.#kills += 1;
    if (o === undefined) return;
    this.#world.witness.look(o.planId, MOST_LANES);
    if (process.role !== 'worker') return;
    this.#killedAt ??= this.#world.time.now();
    this.#settledAtKill = this.#world.status(o.planId).settled;
  }

  /** It holds one text alone that was lost alone before. */
  #isMarked(pid: number): boolean {
    const marked = this.#world.registry.all(
      `SELECT 1 FROM leases l JOIN workers w ON w.worker = l.worker AND w.pid = ?
       JOIN tasks t ON t.plan = l.plan AND t.lone_losses >= ${LONE_LOSSES_AT_MOST} WHERE l.size = 1`,
      pid,
    );
    return marked.length > 0;
  }

  /** From a kill to the next task that is settled. */
  #noteRecovery(planId: string): void {
    if (this.#killedAt === undefined) return;
    const { settled, status } = this.#world.status(planId);
    if (settled === this.#settledAtKill && !resting.includes(status)) return;
    const tookMs = this.#world.time.now() - this.#killedAt;
    this.#tally.longestRecoveryMs = Math.max(this.#tally.longestRecoveryMs, tookMs);
    this.#killedAt = undefined;
  }
}
