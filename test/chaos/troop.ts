/** The processes that are at work in one phase; who falls is replaced. */
import type { ModelName } from '../crash/models.ts';
import type { Chance } from './chance.ts';
import type { ApplicationOptions } from './processes/application.ts';
import type { OperatorOptions, Order } from './processes/operator.ts';
import { ChaosProcess, type Role } from './processes/process.ts';
import type { StopAt } from './processes/voice.ts';
import type { WorkerOptions } from './processes/worker.ts';
import type { Sabotage } from './sabotage.ts';
import type { Tally } from './tally.ts';

/** What the processes of a phase are like. */
export interface Orders {
  readonly folder: string;
  readonly workers: number;
  /** The model of the plan; texts are embedded with it and with the one before. */
  readonly embedsWith: readonly ModelName[];
  readonly isBack: boolean;
  /** Number of the application's first change in this phase. */
  readonly since: number;
  readonly order: Order | undefined;
  readonly sabotage: Sabotage | undefined;
}

/** A node is changed this often in a phase at most; a fourth time would keep reverting. */
const TOUCHES = 3;

const forwardPlaces = [
  'registry.claim after',
  'nodes.read after',
  'registry.backUp after',
  'registry.backUp after',
  'nodes.write before',
  'nodes.write within',
  'nodes.write after',
  'registry.settle before',
  'registry.settle after',
  'registry.release after',
  'nodes.scan after',
  'registry.sweep after',
  'registry.endSweep after',
  'registry.renew after',
];
const backPlaces = [
  'registry.claim after',
  'registry.backups after',
  'nodes.read after',
  'registry.backUp after',
  'nodes.write before',
  'nodes.write within',
  'nodes.write after',
  'registry.settleRollback after',
  'nodes.countByModel after',
  'registry.endRollback after',
];
const operatorPlaces: Partial<Record<Order['kind'], readonly string[]>> = {
  plan: [
    'registry.createPlan after',
    'nodes.scan after',
    'registry.addTasks after',
    'registry.sealPlan before',
    'registry.sealPlan after',
    'registry.mark after',
  ],
  'roll back': ['registry.beginRollback after', 'registry.mark after', 'registry.settleRollback after'],
  steer: [
    'registry.movePlan after',
    'registry.tune after',
    'registry.takeNode after',
    'registry.settleNode before',
  ],
};

export class Troop {
  orders: Orders;
  readonly #chance: Chance;
  readonly #tally: Tally;
  readonly #processes = new Set<ChaosProcess>();
  /** Told of a process that ended badly by itself. */
  onFailure: (error: unknown) => void = () => {};
  isCalm = false;
  /** Frozen ones that are left alone until the plan rests; others work in their place. */
  readonly left = new Set<ChaosProcess>();
  /** The application is to be there. */
  isEditing = true;

  constructor(orders: Orders, chance: Chance, tally: Tally) {
    this.orders = orders;
    this.#chance = chance;
    this.#tally = tally;
  }

  of(role?: Role): ChaosProcess[] {
    return [...this.#processes].filter((process) => role === undefined || process.role === role);
  }

  /** Starts whoever is missing. */
  replenish(): void {
    for (const process of this.#processes) process.keepGoing();
    while (this.of('worker').length - this.left.size < this.orders.workers)
      this.#start('worker', this.#worker());
    if (this.isCalm) return;
    if (this.isEditing && this.of('application').length === 0)
      this.#start('application', this.#application());
    if (this.orders.order !== undefined && this.of('operator').length === 0)
      this.#start('operator', this.#operator(this.orders.order));
  }

  #start(role: Role, options: object): void {
    const process = new ChaosProcess(role, options);
    this.#processes.add(process);
    this.#tally.add(`started: ${role}`);
    void process
      .ended()
      .catch((error: unknown) => {
        // It came while somebody frozen held the lock.
        if (!process.isReady && String(error).includes('DATABASE_LOCKED'))
          this.#tally.add('locked out at the start');
        else this.onFailure(error);
      })
      .finally(() => {
        this.#processes.delete(process);
        this.left.delete(process);
      });
  }

  #worker(): WorkerOptions {
    const chance = this.#chance;
    const { folder, isBack, sabotage } = this.orders;
    const places = isBack ? backPlaces : forwardPlaces;
    return {
      folder,
      seed: chance.seed(),
      probes: chance.is(0.5),
      nodeByNode: chance.is(0.3),
      embeds: !isBack || chance.is(0.3),
      limited: 0.02,
      ...(!this.isCalm && chance.is(0.7) && { stopAt: this.#placeIn(places, 2) }),
      ...(!this.isCalm && chance.is(0.15) && { stopInside: chance.between(1, 12) }),
      ...(sabotage !== undefined && { sabotage }),
    };
  }

  #application(): ApplicationOptions {
    const { folder, embedsWith, since } = this.orders;
    return { folder, since, embedsWith, seed: this.#chance.seed(), touches: TOUCHES, pauseMs: 400 };
  }

  #operator(order: Order): OperatorOptions {
    const places = operatorPlaces[order.kind] ?? [];
    const isDoomed = !this.isCalm && places.length > 0 && this.#chance.is(0.5);
    return {
      folder: this.orders.folder,
      seed: this.#chance.seed(),
      order,
      ...(isDoomed && { stopAt: this.#placeIn(places, 1) }),
    };
  }

  #placeIn(places: readonly string[], times: number): StopAt {
    return { place: this.#chance.pick(places), time: this.#chance.between(0, times) };
  }

  /** Lets everybody finish what is in hand and end. */
  async rest(role?: Role): Promise<void> {
    await Promise.all(this.of(role).map((process) => process.rest()));
  }

  async killAll(): Promise<void> {
    this.onFailure = () => {};
    await Promise.all(this.of().map((process) => process.kill()));
  }
}
