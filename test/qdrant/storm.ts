/**
 * Everything at once: a worker that is killed again and again, an application that writes all the while, and
 * somebody who looks at every point after every request.
 */
import assert from 'node:assert/strict';
import type { Strategy } from '@registry/core';
import { FaultyProcess, ManualClock } from '@registry/core/testing';
import type { SeenRequest } from '@registry/qdrant-double';
import type { PointId } from './application.ts';
import { testify, watch } from './interrupted.ts';
import { assertAccount, assertNoFault, assertServed, targetModel } from './invariants.ts';
import { models } from './models.ts';
import { planOf, seededWorld } from './seeds.ts';
import type { Worker, World } from './world.ts';

const KILLS = 3;
/** Of the worker's requests, those during which the application writes. */
const BUSY_SHARE = 0.3;
const LATEST_KILL = 40;
const MORE_POINTS = 25;
/** A busy application is always a little ahead. */
const ACCEPTED_BEHIND = 1000;

type Random = () => number;

export async function storm(strategy: Strategy, seed: number): Promise<void> {
  const clock = new ManualClock({ seed });
  const random: Random = () => clock.random();
  const world = await seededWorld(strategy);
  try {
    for (let n = 0; n < MORE_POINTS; n++) await world.application.put(100 + n, `text ${n}`);
    const findings = watch(world);
    const planId = await planOf(world, strategy);
    const weather = new Weather(world, random);
    await weather.during(({ manager }) => manager.runMigration(planId));
    if (strategy !== 'inPlace') {
      const wish = { planId, acceptBehind: ACCEPTED_BEHIND };
      await weather.during(({ manager }) => manager.cutoverMigration(wish));
    }
    await calm(world, planId, strategy);
    testify(findings);
    await weather.during(({ manager }) => manager.rollbackMigration({ planId }));
    assertAccount(world);
    const { manager } = await world.open();
    assert.equal((await manager.getActiveModel()).modelId, models.a.modelId);
    testify(findings);
  } finally {
    await world.close();
  }
}

/** Nobody writes any more: the last look brings everything to the target. */
async function calm(world: World, planId: string, strategy: Strategy): Promise<void> {
  const worker = await world.open();
  if (strategy === 'inPlace') await worker.manager.runMigration(planId);
  else await worker.manager.cutoverMigration({ planId });
  await assertNoFault(worker, planId);
  assertAccount(world);
  const plan = await worker.manager.getMigration(planId);
  if (strategy !== 'inPlace' && plan.status === 'completed')
    await assertServed(world, worker, targetModel(strategy));
}

class Weather {
  readonly #world: World;
  readonly #random: Random;
  #isStormy = false;
  #writing = false;
  #count = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    world.double.inject({
      on: ({ sender }) => sender !== 'application',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'run', when: 'after', run: () => this.#blow() },
    });
  }

  /** Lets workers do something until one of them survives it. */
  async during(act: (worker: Worker) => Promise<unknown>): Promise<void> {
    this.#isStormy = true;
    for (let kill = 0; kill < KILLS; kill++) if (await this.#doomed(act)) break;
    await act(await this.#world.open());
    this.#isStormy = false;
  }

  /** True where the worker came to its end before it was killed. */
  async #doomed(act: (worker: Worker) => Promise<unknown>): Promise<boolean> {
    const { nextSender } = this.#world;
    const process = new FaultyProcess();
    const { promise: killed, resolve } = Promise.withResolvers<false>();
    const end = () => {
      resolve(false);
      return process.kill();
    };
    const on = ({ sender }: SeenRequest) => sender === nextSender;
    const skip = Math.floor(this.#random() * LATEST_KILL);
    const when = this.#random() < 0.5 ? 'before' : 'after';
    const rules = [
      { on, skip, fault: { kind: 'run', when, run: end } },
      { on, skip: skip + 1, times: Number.POSITIVE_INFINITY, fault: { kind: 'run', run: end } },
    ] as const;
    for (const rule of rules) this.#world.double.inject(rule);
    const acting = this.#world.open(process).then(act);
    acting.catch(() => {});
    return Promise.race([killed, acting.then(() => true)]);
  }

  async #blow(): Promise<void> {
    if (!this.#isStormy || this.#writing || this.#random() > BUSY_SHARE) return;
    this.#writing = true;
    await this.#write();
    this.#writing = false;
  }

  /** What is behind when readers move cannot be changed in part, nor deleted: it is not there yet. */
  #isServed(id: PointId): boolean {
    const content = this.#world.application.contents.get(id);
    const point = this.#world.served().find((other) => other.id === id);
    return point?.payload.text === content?.text && point?.payload.kind === content?.kind;
  }

  async #write(): Promise<void> {
    const { application } = this.#world;
    const ids = [...application.contents.keys()];
    const id: PointId = ids[Math.floor(this.#random() * ids.length)]!;
    this.#count += 1;
    const text = `text of turn ${this.#count}`;
    const choice = this.#random();
    if (!this.#isServed(id)) await application.put(id, text);
    else if (choice < 0.3) await application.edit(id, text);
    else if (choice < 0.55) await application.put(id, text);
    else if (choice < 0.7) await application.remove(id);
    else if (choice < 0.85) await application.label(id, `kind ${this.#count}`);
    else await application.put(10_000 + this.#count, text);
  }
}
