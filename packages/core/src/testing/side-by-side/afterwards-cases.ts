import assert from 'node:assert/strict';
import { sameStamp } from '../../model/compatibility.ts';
import type { Crossing, SideNotes } from '../../ports/node-store.ts';
import { idsOf, type SideFixture } from './side-fixture.ts';

type Case = (fixture: SideFixture) => Promise<void>;

/** From the moment readers move: late writers, carrying back, moving back, dropping. */
export const afterwardsCases: Readonly<Record<string, Case>> = {
  'moves readers in one step, and again': checkCutover,
  'takes late writes of the old side over': checkLateWrites,
  'tells what only the old side has from what is behind on the new one': checkOnlyOld,
  'overwrites nothing that was written on the new side': checkNewWrites,
  'counts and carries back what was written since': checkCarryingBack,
  'leaves late writes of the old side there when it carries back': checkLateBeforeBack,
  'moves readers back, and takes late writes of the new side along': checkRevert,
  'tells late writes of the new side from later ones of the old, by what was noted': checkNotes,
  'discards a new side that nobody read, and no other': checkDiscard,
  'drops the side that readers left, by its name alone': checkFinalize,
};

async function checkCutover(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(4));
  const sides = await fixture.cutOver();
  await sides.cutover();
  assert.equal(await (await fixture.sides()).readers(), 'new');
  assert.deepEqual([...(await fixture.store.countByModel())], [{ info: fixture.target.info, count: 4 }]);
  const node = await fixture.read(fixture.store, 'n001');
  assert.ok(sameStamp(node, fixture.target.info));
  fixture.assertVector(node.vector, fixture.vector('content of n001'.length, fixture.target));
  const query = fixture.vector('content of n001'.length, fixture.target);
  const hits = await fixture.store.search?.(query, { at: fixture.target.info, k: 4 });
  if (hits !== undefined) assert.equal(hits.length, 4);
  await fixture.assertFine(sides.forward);
  await fixture.assertFine(sides.back);
}

/** Only where both sides have nodes of their own can a writer still be on the old one. */
async function checkLateWrites(fixture: SideFixture): Promise<void> {
  if (!fixture.options.isApart) return;
  await fixture.app.put(fixture.nodes(5));
  const sides = await fixture.cutOver();
  const late = await fixture.harness.writerOn('old', sides);
  await late.edit('n000', 'edited late');
  await late.remove('n001');
  await late.put([fixture.node('late')]);
  const { items, gone, onlyOld } = await fixture.pass(sides.forward);
  assert.deepEqual([idsOf(items), [...gone], idsOf(onlyOld)], [['n000'], ['n001'], ['late']]);
  await sides.forward.remove(gone);
  assert.deepEqual([...(await fixture.bring(sides.forward, ['n000', 'late']))], ['written', 'written']);
  const node = await fixture.read(fixture.store, 'n000');
  assert.equal(node.content, 'edited late');
  assert.equal(node.embeddedHash, node.contentHash);
  assert.equal((await fixture.read(fixture.store, 'late')).content, 'content of late');
  assert.deepEqual([...(await fixture.store.read(['n001']))], []);
  await fixture.assertFine(sides.forward);
}

/** A batch must know of a node that was there when it was put to work, and is not any more, that it was deleted. */
async function checkOnlyOld(fixture: SideFixture): Promise<void> {
  if (!fixture.options.isApart) return;
  const { app } = fixture;
  await app.put(fixture.nodes(3));
  const before = await fixture.prepared();
  assert.equal((await fixture.read(before.forward, 'n000')).isOnlyOld, undefined, 'readers are there still');
  assert.deepEqual(await thereOf(fixture, before.forward), [undefined, undefined, undefined]);
  await fixture.bringAll(before.forward);
  await app.edit('n000', 'edited before');
  assert.deepEqual(await thereOf(fixture, before.forward), [true]);
  const sides = await fixture.cutOver();
  const late = await fixture.harness.writerOn('old', sides);
  await late.edit('n000', 'edited late');
  await late.put([fixture.node('late')]);
  await app.remove('n001');
  assert.deepEqual(await thereOf(fixture, sides.forward), [true]);
  const onlyOld = async (crossing: Crossing, ids: readonly string[]) =>
    (await crossing.read(ids)).filter((node) => node.isOnlyOld === true).map(({ id }) => id);
  const ids = ['n000', 'n001', 'n002', 'late'];
  assert.deepEqual((await onlyOld(sides.forward, ids)).sort(), ['late', 'n001']);
  assert.deepEqual(await onlyOld(sides.back, ids), []);
  await fixture.bring(sides.forward, ['late']);
  assert.deepEqual(await onlyOld(sides.forward, ids), ['n001']);
}

async function thereOf(fixture: SideFixture, crossing: Crossing): Promise<(true | undefined)[]> {
  return (await fixture.pass(crossing)).items.map(({ isThere }) => isThere);
}

async function checkNewWrites(fixture: SideFixture): Promise<void> {
  if (!fixture.options.isApart) return;
  const { app } = fixture;
  await app.put(fixture.nodes(5));
  const sides = await fixture.cutOver();
  await app.edit('n000', 'edited on the new side');
  await app.remove('n001');
  await app.put([ofTarget(fixture, 'new')]);
  const { items, gone, onlyOld } = await fixture.pass(sides.forward);
  // Its text is another one than its vector was made of.
  assert.deepEqual([idsOf(items), [...gone], idsOf(onlyOld)], [['n000'], [], ['n001']]);
  await fixture.bring(sides.forward, ['n000']);
  assert.equal((await fixture.read(fixture.store, 'n000')).content, 'edited on the new side');
  assert.deepEqual([...(await fixture.store.read(['n001']))], []);
  assert.equal((await fixture.read(fixture.store, 'new')).content, 'content of new');
}

function ofTarget(fixture: SideFixture, id: string, content?: string) {
  return {
    ...fixture.node(id, content),
    ...fixture.target.info,
    vector: fixture.vector(id.length, fixture.target),
  };
}

async function checkCarryingBack(fixture: SideFixture): Promise<void> {
  const { app, options } = fixture;
  await app.put(fixture.nodes(5));
  const sides = await fixture.cutOver();
  await app.edit('n000', 'edited on the new side');
  await app.remove('n001');
  await app.put([ofTarget(fixture, 'new')]);
  assert.deepEqual((await sides.back.compare()).behind, 2);
  const { items, gone, onlyOld } = await fixture.pass(sides.back);
  assert.deepEqual([idsOf(items), [...gone]], [['n000', 'new'], []]);
  assert.deepEqual(idsOf(onlyOld), options.isApart ? ['n001'] : []);
  if (options.isApart) assert.equal(await sides.back.remove(['n001', 'n002']), 1);
  const outcomes = await fixture.bring(sides.back, ['n000', 'new'], fixture.old);
  assert.deepEqual([...outcomes], ['written', 'written']);
  await fixture.assertFine(sides.back);
  await sides.revert();
  const node = await fixture.read(fixture.store, 'n000');
  assert.equal(node.content, 'edited on the new side');
  assert.ok(sameStamp(node, fixture.old.info));
  fixture.assertVector(node.vector, fixture.vector(node.content!.length, fixture.old));
  assert.ok(sameStamp(await fixture.read(fixture.store, 'new'), fixture.old.info));
  assert.deepEqual([...(await fixture.store.read(['n001']))], []);
}

async function checkLateBeforeBack(fixture: SideFixture): Promise<void> {
  if (!fixture.options.isApart) return;
  await fixture.app.put(fixture.nodes(3));
  const sides = await fixture.cutOver();
  const late = await fixture.harness.writerOn('old', sides);
  await late.edit('n000', 'edited late');
  await late.put([fixture.node('late')]);
  const { items, gone, onlyOld } = await fixture.pass(sides.back);
  assert.deepEqual([idsOf(items), [...gone], idsOf(onlyOld)], [[], [], ['late']]);
  await sides.revert();
  assert.equal((await fixture.read(fixture.store, 'n000')).content, 'edited late');
  assert.equal((await fixture.read(fixture.store, 'late')).content, 'content of late');
}

async function checkRevert(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(4));
  const sides = await fixture.cutOver();
  await sides.revert();
  await sides.revert();
  assert.equal(await sides.readers(), 'old');
  assert.deepEqual([...(await fixture.store.countByModel())], [{ info: fixture.old.info, count: 4 }]);
  if (!fixture.options.isApart) return;
  const late = await fixture.harness.writerOn('new', sides);
  await late.edit('n000', 'edited late on the new side');
  await late.put([ofTarget(fixture, 'late')]);
  await fixture.app.edit('n002', 'edited on the old side');
  await fixture.app.remove('n003');
  const { items, gone, onlyOld } = await fixture.pass(sides.back);
  assert.deepEqual([idsOf(items), [...gone], [...onlyOld]], [['late', 'n000'], [], []]);
  await fixture.bring(sides.back, ['n000', 'late'], fixture.old);
  assert.equal((await fixture.read(fixture.store, 'n000')).content, 'edited late on the new side');
  assert.equal((await fixture.read(fixture.store, 'n002')).content, 'edited on the old side');
  assert.deepEqual([...(await fixture.store.read(['n003']))], []);
  await fixture.assertFine(sides.back);
}

/** Between the last look and the switch whole nodes are put and deleted, which takes along what told of the copy. */
async function checkNotes(fixture: SideFixture): Promise<void> {
  if (!fixture.options.isApart) return;
  const notes = new Map<string, string>();
  const kept: SideNotes = {
    keep: async (more) => {
      for (const [id, note] of more) notes.set(id, note);
    },
    recall: async (ids) => new Map([...notes].filter(([id]) => ids.includes(id))),
  };
  await fixture.app.put(fixture.nodes(8));
  await fixture.cutOver();
  const sides = await fixture.sides(fixture.plan, fixture.store, kept);
  // Put anew before the last look, and carried back by it.
  await fixture.app.put([ofTarget(fixture, 'n005'), ofTarget(fixture, 'n006')]);
  await fixture.bringAll(sides.back, fixture.old);
  const late = await fixture.harness.writerOn('new', sides);
  await late.put(['n000', 'n002', 'n006', 'late'].map((id) => ofTarget(fixture, id, `${id}, put late`)));
  await late.remove('n001');
  await late.remove('n003');
  await sides.revert();
  await fixture.app.put([
    fixture.node('n002', 'put on the old side'),
    fixture.node('n003', 'made there again'),
  ]);
  await fixture.app.remove('n005');
  // Another process, which has the notes alone.
  const again = await fixture.sides(fixture.plan, await fixture.harness.reopen?.(), kept);
  const { behind, extra } = await again.back.compare();
  assert.deepEqual({ behind, extra }, { behind: 3, extra: 1 });
  await fixture.bringAll(again.back, fixture.old);
  for (const [id, content] of [
    ['n000', 'n000, put late'],
    ['n006', 'n006, put late'],
    ['late', 'late, put late'],
    ['n002', 'put on the old side'],
    ['n003', 'made there again'],
    ['n004', 'content of n004'],
  ] as const)
    assert.equal((await fixture.read(fixture.store, id)).content, content);
  assert.deepEqual(idsOf(await fixture.store.read(['n001', 'n005'])), []);
  await fixture.assertFine(again.back);
}

async function checkDiscard(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(3));
  const sides = await fixture.prepared();
  await fixture.bringAll(sides.forward);
  await sides.discard();
  await sides.discard();
  assert.equal(await sides.leftover(), undefined);
  assert.deepEqual([...(await fixture.store.countByModel())], [{ info: fixture.old.info, count: 3 }]);
  const next = await fixture.sides(fixture.planOf('plan-2'));
  await next.prepare();
  assert.deepEqual(idsOf((await fixture.pass(next.forward)).items), idsOf(fixture.nodes(3)));
  await fixture.bringAll(next.forward);
  await next.cutover();
  await next.revert();
  await next.discard();
  assert.equal(typeof (await next.leftover()), 'string', 'a side that readers used was discarded');
}

async function checkFinalize(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(3));
  const sides = await fixture.cutOver();
  const name = await sides.leftover();
  assert.ok(name);
  await assert.rejects(sides.finalize(`not ${name}`), { code: 'CONFIRMATION_MISSING' });
  assert.equal(await sides.leftover(), name);
  await sides.finalize(name);
  await sides.finalize(name);
  assert.equal(await (await fixture.sides()).leftover(), undefined);
  assert.deepEqual([...(await fixture.store.countByModel())], [{ info: fixture.target.info, count: 3 }]);
  const node = await fixture.read(fixture.store, 'n001');
  assert.ok(sameStamp(node, fixture.target.info));
  fixture.assertVector(node.vector, fixture.vector('content of n001'.length, fixture.target));
}
