import fc from 'fast-check';
import { LEASE_MS, type NodeId, nodeIds, type Play } from './play.ts';

type Who = 0 | 1;
type Act = 'work' | 'roll back' | NodeId;

/** What anybody may do at any moment; each is a name and what it is done to, so that a failing run can be read. */
const deeds = {
  async begin(play: Play, who: Who, act: Act) {
    const { planId } = play;
    await play.actors[who].begin(async (worker) => {
      if (act === 'work') return worker.manager.runMigration(planId);
      if (act === 'roll back') return worker.manager.rollbackMigration({ planId });
      return play.rollNodeBack(worker, act);
    });
  },
  step: (play: Play, who: Who, count: number) => play.actors[who].step(count),
  freeze: async (play: Play, who: Who) => play.actors[who].freeze(),
  thaw: (play: Play, who: Who) => play.actors[who].thaw(),
  kill: async (play: Play, who: Who) => play.actors[who].kill(),

  pass: (play: Play, ms: number) => play.world.clock.advance(ms),
  setClock: async ({ world }: Play, by: number) => world.clock.set(world.clock.now() + by),

  embedOld: (play: Play, id: NodeId) => play.world.application.edit(id, play.newText(), 'a'),
  embedNew: (play: Play, id: NodeId) => play.world.application.edit(id, play.newText(), 'b'),
  editText: (play: Play, id: NodeId) => play.world.application.edit(id, play.newText()),
  /** The same bytes in the end, written anew. */
  async editAndBack(play: Play, id: NodeId) {
    const { application } = play.world;
    const content = application.contents.get(id)?.content;
    if (content === undefined) return;
    await application.edit(id, play.newText());
    await application.edit(id, content, 'a');
  },
  remove: (play: Play, id: NodeId) => play.world.application.remove(id),
  recreate: (play: Play, id: NodeId) => play.world.application.recreate(id, play.newText()),

  pause: (play: Play) => play.order(({ manager }) => manager.pauseMigration(play.planId)),
  resume: (play: Play) => play.order(({ manager }) => manager.resumeMigration(play.planId)),
  cancel: (play: Play) => play.order(({ manager }) => manager.cancelMigration(play.planId)),
  rollBack: (play: Play) =>
    play.order(({ manager }, signal) => manager.rollbackMigration({ planId: play.planId, signal })),
  rollNodeBack: (play: Play, id: NodeId) => play.order((desk, signal) => play.rollNodeBack(desk, id, signal)),
  laterPlan: (play: Play) => play.laterPlan(),
};

type Deeds = typeof deeds;
type Values<K extends keyof Deeds> = Deeds[K] extends (play: Play, ...values: infer V) => unknown ? V : never;
type Drawn<V extends readonly unknown[]> = { [I in keyof V]: fc.Arbitrary<V[I]> };
export type Command = { [K in keyof Deeds]: readonly [K, ...Values<K>] }[keyof Deeds];

export async function run(play: Play, [name, ...values]: Command): Promise<void> {
  await (deeds[name] as (play: Play, ...values: unknown[]) => Promise<unknown>)(play, ...values);
}

const who = fc.constantFrom<Who>(0, 1);
const node = fc.constantFrom<NodeId>(...nodeIds);
const act = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Act>('work') },
  { weight: 1, arbitrary: fc.constant<Act>('roll back') },
  { weight: 1, arbitrary: node },
);

function of<K extends keyof Deeds>(
  weight: number,
  name: K,
  ...values: Drawn<Values<K>>
): { weight: number; arbitrary: fc.Arbitrary<Command> } {
  const drawn = fc.tuple(...(values as fc.Arbitrary<unknown>[]));
  return { weight, arbitrary: drawn.map((rest) => [name, ...rest] as unknown as Command) };
}

export const command: fc.Arbitrary<Command> = fc.oneof(
  of(24, 'step', who, fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(30))),
  of(8, 'begin', who, act),
  of(2, 'freeze', who),
  of(2, 'thaw', who),
  of(1, 'kill', who),
  of(4, 'pass', fc.constantFrom(2_000, LEASE_MS, LEASE_MS)),
  of(1, 'setClock', fc.constantFrom(-3_600_000, 3_600_000)),
  of(2, 'embedOld', node),
  of(2, 'embedNew', node),
  of(2, 'editText', node),
  of(1, 'editAndBack', node),
  of(1, 'remove', node),
  of(1, 'recreate', node),
  of(1, 'pause'),
  of(1, 'resume'),
  of(1, 'cancel'),
  of(2, 'rollBack'),
  of(1, 'rollNodeBack', node),
  of(2, 'laterPlan'),
);
