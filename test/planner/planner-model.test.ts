/** Random stores, selections and overlaps: a plan holds exactly what was asked for, or is refused and leaves nothing. */
import assert from 'node:assert/strict';
import { isAtTarget, isRegistryError, type NodeFilter } from '@registry/core';
import type { NodeInput } from '@registry/node-memory';
import fc from 'fast-check';
import { afterAll, beforeAll, it } from 'vitest';
import { tasksOf } from '../crash/invariants.ts';
import { embedded, type ModelName, models } from '../crash/models.ts';
import type { Worker } from '../crash/world.ts';
import { World } from '../crash/world.ts';

const RUNS = 30;
const kinds = ['note', 'mail'] as const;
const ids = Array.from({ length: 10 }, (_, index) => `node-${index}`);

interface Held {
  readonly planId: string;
  readonly isWhole: boolean;
  readonly nodeIds: ReadonlySet<string>;
}

type Selection = { readonly nodeIds: readonly string[] } | { readonly where: NodeFilter } | object;
type Step =
  | { readonly step: 'plan'; readonly target: 'b' | 'c'; readonly selection: Selection }
  | { readonly step: 'run' | 'pause' | 'cancel'; readonly which: number };

const nodes = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom(...ids),
    kind: fc.constantFrom(...kinds),
    model: fc.option(fc.constantFrom<ModelName>('a', 'b', 'c')),
    isEdited: fc.boolean(),
  }),
  { selector: ({ id }) => id },
);
const selection: fc.Arbitrary<Selection> = fc.oneof(
  fc.record({ nodeIds: fc.array(fc.constantFrom(...ids, 'unknown')) }),
  fc.record({ where: fc.record({ kind: fc.constantFrom(...kinds) }) }),
  fc.constant({}),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('plan' as const),
      target: fc.constantFrom('b' as const, 'c' as const),
      selection,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constantFrom('run' as const, 'pause' as const, 'cancel' as const),
      which: fc.nat(5),
    }),
  },
);

class Desk {
  readonly #world: World;
  readonly #worker: Worker;
  #held: Held[] = [];

  constructor(world: World, worker: Worker) {
    this.#world = world;
    this.#worker = worker;
  }

  async take(step: Step): Promise<void> {
    if (step.step === 'plan') return this.#plan(models[step.target], step.selection);
    const held = this.#held[step.which % Math.max(1, this.#held.length)];
    if (held === undefined) return;
    const { manager } = this.#worker;
    const { planId } = held;
    if (step.step === 'pause') return void (await manager.pauseMigration(planId));
    if (step.step === 'cancel') await manager.cancelMigration(planId);
    else {
      await manager.resumeMigration(planId).catch(() => {});
      await this.#world.run(manager.runMigration(planId));
    }
    this.#held = this.#held.filter((other) => other !== held);
  }

  async #plan(target: (typeof models)[ModelName], selection: Selection): Promise<void> {
    const wanted = await this.#wanted(target, selection);
    const isWhole = !('nodeIds' in selection) && !('where' in selection);
    const isTaken = this.#held.some(
      (held) =>
        isWhole || (wanted.size > 0 && (held.isWhole || [...wanted].some((id) => held.nodeIds.has(id)))),
    );
    const before = this.#world.registry.all('SELECT plan FROM plans');
    const options = { targetModelId: target.modelId, targetVersion: target.version, ...selection };
    const made = await this.#worker.manager.createMigration(options).catch((error: unknown) => error);
    if (isTaken) {
      assert.ok(isRegistryError(made, 'PLAN_OVERLAP'), String(made));
      assert.deepEqual(this.#world.registry.all('SELECT plan FROM plans'), before);
      return;
    }
    if (made instanceof Error) throw made;
    const { planId, totalNodes, status } = made as { planId: string; totalNodes: number; status: string };
    const tasks = (await tasksOf(this.#worker, planId)).map(({ nodeId }) => nodeId);
    assert.deepEqual([totalNodes, tasks], [wanted.size, [...wanted].sort()]);
    assert.equal(status, wanted.size === 0 ? 'completed' : 'pending');
    if (status === 'pending') this.#held.push({ planId, isWhole, nodeIds: wanted });
  }

  async #wanted(target: (typeof models)[ModelName], selection: Selection): Promise<Set<string>> {
    if ('nodeIds' in selection) return new Set(selection.nodeIds);
    const all = [...(await this.#world.nodes()).values()].filter((node) => !isAtTarget(node, target.info));
    const kind = 'where' in selection ? selection.where.kind : undefined;
    const { contents } = this.#world.application;
    return new Set(
      all.map(({ id }) => id).filter((id) => kind === undefined || contents.get(id)?.metadata.kind === kind),
    );
  }
}

let base: World;
beforeAll(async () => {
  base = await World.make();
  const { manager } = await base.open();
  for (const spec of Object.values(models)) await manager.registerModel(spec.toJSON());
});
afterAll(() => base.close());

it('a plan holds what was asked for and what nobody else holds', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(nodes, fc.array(step, { minLength: 1, maxLength: 8 }), async (store, steps) => {
      const world = await base.fork();
      try {
        for (const { id, kind, model, isEdited } of store) {
          const node: NodeInput = { id, content: `text of ${id}`, metadata: { kind } };
          await world.application.put([{ ...node, ...(model && embedded(model, node.content)) }]);
          if (isEdited) await world.application.edit(id, `another text of ${id}`);
        }
        const desk = new Desk(world, await world.open());
        for (const each of steps) await desk.take(each);
        world.registry.assertConsistent();
      } finally {
        await world.close();
      }
    }),
    { numRuns: RUNS },
  );
});
