/**
 * One round on fresh files: a plan to b under kills, and as the lot falls a second one to c, a cancel, or a rollback
 * in the middle; then everything is rolled back under kills, last first, and compared with the beginning.
 */
import type { ModelName } from '../crash/models.ts';
import { stateOf } from '../crash/node-states.ts';
import { Account } from './account.ts';
import type { Chance } from './chance.ts';
import { accountPath } from './ground.ts';
import type { Order } from './processes/operator.ts';
import type { Sabotage } from './sabotage.ts';
import { Storm } from './storm.ts';
import type { Tally } from './tally.ts';
import type { Orders } from './troop.ts';
import {
  assertCompleted,
  assertRepeatable,
  assertRolledBack,
  assertSound,
  assertUntouched,
} from './verdict.ts';
import { ChaosWorld } from './world.ts';

export interface RoundOptions {
  /** Files go below it. */
  readonly parent: string;
  readonly nodes: number;
  /** In each phase, at most. */
  readonly kills: number;
  readonly sabotage?: Sabotage | undefined;
}

const kinds = ['a chain of two plans', 'one plan', 'a cancel', 'a rollback of an unfinished plan'] as const;

interface Phase {
  readonly planId: string;
  readonly target: ModelName;
  readonly before: ModelName;
  readonly activates: boolean;
}

/** @throws AssertionError where something does not hold; the error names the folder, which is kept. */
export async function playRound(o: RoundOptions, chance: Chance, tally: Tally): Promise<void> {
  const kind = chance.pick(kinds);
  const world = await ChaosWorld.make(o.parent, chance, o.nodes);
  try {
    await new Round(world, o, chance, tally).play(kind);
    tally.add(`rounds: ${kind}`);
    tally.add('changes of nodes judged', world.witness.entries);
    tally.add('looks from a second connection', world.witness.looks);
    const account = world.account();
    tally.add('application writes, acknowledged', account.acknowledged);
    tally.add('application writes, in doubt', account.inDoubt);
    world.close();
  } catch (error) {
    world.close({ keep: true });
    throw new Error(`In ${kind}, whose files are kept in ${world.folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

class Round {
  readonly #world: ChaosWorld;
  readonly #o: RoundOptions;
  readonly #chance: Chance;
  readonly #tally: Tally;

  constructor(world: ChaosWorld, o: RoundOptions, chance: Chance, tally: Tally) {
    this.#world = world;
    this.#o = o;
    this.#chance = chance;
    this.#tally = tally;
  }

  async play(kind: (typeof kinds)[number]): Promise<void> {
    this.#world.witness.follow();
    const beginning = this.#states();
    const since = this.#world.account().nextChange;
    if (kind === 'a cancel') await this.#begun('b', 'a', { isCancelled: true });
    else if (kind === 'a rollback of an unfinished plan') await this.#begun('b', 'a', { isCancelled: false });
    else {
      const first = await this.#forward('b', 'a');
      const originals = new Map(this.#world.witness.originals);
      if (kind === 'a chain of two plans') {
        const second = await this.#forward('c', first.activates ? 'b' : 'a');
        await this.#back(second);
        this.#world.witness.resume('b', originals);
      }
      await this.#back(first);
    }
    const account = this.#world.account();
    const same = assertUntouched(this.#world, beginning, (id) => account.touches(id, since) > 0);
    this.#tally.add('nodes byte for byte as at the beginning', same);
  }

  #states(): Map<string, string> {
    return new Map([...this.#world.witness.latest].map(([id, { node }]) => [id, stateOf(node)]));
  }

  /** `before`: the active model. */
  async #forward(target: ModelName, before: ModelName): Promise<Phase> {
    const { storm, phase } = await this.#planned(target, before);
    try {
      await storm.rage({ planId: phase.planId, kills: this.#o.kills });
      await storm.end();
    } finally {
      await storm.end();
    }
    const { manager, close } = await this.#world.open();
    const plan = await manager.getMigration(phase.planId);
    await close();
    assertCompleted(this.#world, plan, target, phase.activates ? target : before);
    this.#note(phase.planId);
    return phase;
  }

  async #planned(target: ModelName, before: ModelName): Promise<{ storm: Storm; phase: Phase }> {
    this.#world.witness.begin(target);
    const activates = this.#chance.is(0.5);
    const batchSize = this.#chance.between(4, 12);
    const storm = this.#storm(target, { kind: 'plan', target, activate: activates, batchSize });
    try {
      const planId = await storm.plan();
      this.#tally.add('plans');
      await storm.command(
        this.#orders(target, { kind: 'steer', planId, rollsNodesBack: this.#chance.is(0.5) }),
      );
      return { storm, phase: { planId, target, before, activates } };
    } catch (error) {
      await storm.end();
      throw error;
    }
  }

  #storm(target: ModelName, order: Order, isBack = false): Storm {
    return new Storm(this.#world, this.#chance, this.#tally, this.#orders(target, order, isBack));
  }

  #orders(target: ModelName, order: Order, isBack = false): Orders {
    return {
      folder: this.#world.folder,
      workers: this.#chance.between(2, 4),
      embedsWith: target === 'c' ? ['b', 'c'] : ['a', 'b'],
      isBack,
      since: Account.read(accountPath(this.#world.folder)).nextChange,
      order,
      sabotage: this.#o.sabotage,
    };
  }

  /** A plan that ends half-way: cancelled and then rolled back, or rolled back under way. */
  async #begun(target: ModelName, before: ModelName, o: { isCancelled: boolean }): Promise<void> {
    const { storm, phase } = await this.#planned(target, before);
    const { planId } = phase;
    try {
      const untilShare = 0.2 + this.#chance.draw() / 2;
      await storm.rage({ planId, kills: this.#o.kills, untilShare });
      if (o.isCancelled) {
        await storm.command(this.#orders(target, { kind: 'cancel', planId }));
        await storm.rage({ planId, kills: this.#o.kills });
        assertSound(this.#world, planId);
      }
      await storm.command(this.#orders(target, { kind: 'roll back', planId }, true));
      await storm.rollBack({ planId, kills: this.#o.kills });
    } finally {
      await storm.end();
    }
    await this.#assertBack(phase);
  }

  async #back(phase: Phase): Promise<void> {
    const { planId, target } = phase;
    const storm = this.#storm(target, { kind: 'roll back', planId }, true);
    try {
      await storm.rollBack({ planId, kills: this.#o.kills });
    } finally {
      await storm.end();
    }
    await this.#assertBack(phase);
  }

  async #assertBack({ planId, before }: Phase): Promise<void> {
    const { manager, close } = await this.#world.open();
    try {
      const report = await assertRepeatable(manager, planId);
      assertRolledBack(this.#world, await manager.getMigration(planId), report, before);
      this.#tally.add('nodes restored', report.restored);
      this.#tally.add('rollback conflicts, each reported', report.conflicts);
    } finally {
      await close();
    }
    this.#tally.add('rollbacks');
    this.#note(planId);
  }

  #note(planId: string): void {
    const [sums] = this.#world.registry.all<{ conflicts: number; requeues: number; losses: number }>(
      `SELECT sum(t.conflicts) AS conflicts, sum(t.requeues) AS requeues, sum(t.losses) AS losses
       FROM tasks t JOIN plans p ON p.plan = t.plan WHERE p.plan_id = ?`,
      planId,
    );
    for (const [what, count] of Object.entries(sums ?? {})) this.#tally.add(`tasks: ${what}`, count);
  }
}
