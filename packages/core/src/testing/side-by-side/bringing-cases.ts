import assert from 'node:assert/strict';
import { isAtTarget, sameStamp } from '../../model/compatibility.ts';
import { idsOf, type SideFixture } from './side-fixture.ts';

type Case = (fixture: SideFixture) => Promise<void>;

/** Until readers move: preparing, bringing nodes over, keeping up with the application. */
export const bringingCases: Readonly<Record<string, Case>> = {
  'prepares a new side beside the old one, and again': async (fixture) => {
    await fixture.app.put(fixture.nodes(3));
    const before = await fixture.store.read(['n000', 'n001', 'n002']);
    const sides = await fixture.prepared();
    await sides.prepare();
    await (await fixture.sides()).prepare();
    assert.equal(await sides.readers(), 'old');
    assert.deepEqual(await fixture.store.read(['n000', 'n001', 'n002']), before);
    assert.equal(typeof (await sides.leftover()), 'string');
  },
  'finds every node missing at first, and none once it was brought over': checkBringing,
  'reads contents of the old side with vectors of the new one': checkReading,
  'leaves the old side as it is': checkOldSide,
  'does not write what was edited, deleted or written since': checkFences,
  'takes a node off the new side again': checkTakingOff,
  'renews a fence, which voids what was prepared': checkRenewal,
  'keeps up with edits, inserts and deletes': checkKeepingUp,
  'brings metadata along without embedding': checkMetadata,
  'counts what is behind without a write': checkCounting,
  'meets each node once, page by page': async (fixture) => {
    await fixture.app.put(fixture.nodes(23));
    const { forward } = await fixture.prepared();
    const ids = idsOf(fixture.nodes(23));
    for (const limit of [1, 7, 100]) assert.deepEqual(idsOf((await fixture.pass(forward, limit)).items), ids);
  },
  'refuses another plan while one is at it': async (fixture) => {
    await fixture.app.put(fixture.nodes(2));
    await fixture.prepared();
    const other = await fixture.sides(fixture.planOf('plan-2'));
    await assert.rejects(other.prepare(), { code: 'MIGRATION_BUSY' });
  },
  'lets another process go on': async (fixture) => {
    if (fixture.harness.reopen === undefined) return;
    await fixture.app.put(fixture.nodes(5));
    const first = await fixture.prepared();
    await fixture.bring(first.forward, ['n000', 'n001']);
    const second = await fixture.sides(fixture.plan, await fixture.harness.reopen());
    await second.prepare();
    assert.deepEqual(idsOf((await fixture.pass(second.forward)).items), ['n002', 'n003', 'n004']);
    await fixture.bringAll(second.forward);
    await fixture.assertFine(first.forward);
  },
};

async function checkBringing(fixture: SideFixture): Promise<void> {
  await fixture.app.put([...fixture.nodes(8), { id: 'bare', content: 'without a vector' }]);
  const { forward } = await fixture.prepared();
  const { items, gone, onlyOld } = await fixture.pass(forward);
  assert.deepEqual(idsOf(items), ['bare', ...idsOf(fixture.nodes(8))]);
  assert.deepEqual([[...gone], [...onlyOld]], [[], []]);
  for (const head of items) assert.equal(head.embeddingModelId, undefined);
  const some = ['n003', 'n004', 'bare'];
  assert.deepEqual([...(await fixture.bring(forward, some))], ['written', 'written', 'written']);
  assert.equal((await fixture.pass(forward)).items.length, 6);
  await fixture.bringAll(forward);
  await fixture.assertFine(forward);
  for (const node of await forward.read([...idsOf(fixture.nodes(8)), 'bare']))
    assert.ok(isAtTarget(node, fixture.target.info), node.id);
}

async function checkReading(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(2));
  const { forward } = await fixture.prepared();
  const before = await fixture.read(forward, 'n000');
  assert.deepEqual(
    [before.content, before.vector, before.embeddingModelId, before.embeddedHash],
    ['content of n000', undefined, undefined, undefined],
  );
  assert.equal(before.contentHash, (await fixture.read(fixture.store, 'n000')).contentHash);
  await fixture.bring(forward, ['n000']);
  const after = await fixture.read(forward, 'n000');
  assert.equal(after.content, 'content of n000');
  assert.ok(sameStamp(after, fixture.target.info));
  fixture.assertVector(after.vector, fixture.vector('content of n000'.length, fixture.target));
  assert.equal(after.embeddedHash, after.contentHash);
  assert.deepEqual([...(await forward.read(['absent']))], []);
}

async function checkOldSide(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(4));
  const bare = async () =>
    (await fixture.store.read(idsOf(fixture.nodes(4)))).map(({ fence: _, ...node }) => node).sort(byId);
  const before = await bare();
  const counts = await fixture.store.countByModel();
  const { forward } = await fixture.prepared();
  await fixture.bringAll(forward);
  assert.deepEqual(await bare(), before);
  assert.deepEqual(await fixture.store.countByModel(), counts);
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

async function checkFences(fixture: SideFixture): Promise<void> {
  const { app } = fixture;
  await app.put(fixture.nodes(5));
  const { forward } = await fixture.prepared();
  await fixture.bring(forward, ['n003']);
  const nodes = await forward.read(idsOf(fixture.nodes(5)));
  const writes = [...nodes].sort(byId).map(({ id: nodeId, fence, contentHash }) => ({
    nodeId,
    fence,
    set: { ...fixture.target.info, vector: fixture.vector(9, fixture.target), embeddedHash: contentHash },
  }));
  await app.edit('n000', 'edited meanwhile');
  await app.remove('n001');
  await fixture.bring(forward, ['n002']);
  await fixture.bring(forward, ['n003']);
  const outcomes = await forward.write(writes);
  assert.deepEqual([...outcomes], ['conflict', 'missing', 'conflict', 'conflict', 'written']);
  const again = await forward.write(writes.slice(4));
  assert.deepEqual([...again], ['conflict']);
  assert.equal((await fixture.read(forward, 'n000')).content, 'edited meanwhile');
}

async function checkTakingOff(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(2));
  const { forward } = await fixture.prepared();
  await fixture.bringAll(forward);
  const before = await fixture.read(fixture.store, 'n000');
  const { fence } = await fixture.read(forward, 'n000');
  const off = { nodeId: 'n000', fence, set: {}, restore: true } as const;
  assert.deepEqual([...(await forward.write([off]))], ['written']);
  const after = await fixture.read(forward, 'n000');
  assert.deepEqual([after.vector, after.embeddingModelId], [undefined, undefined]);
  assert.deepEqual(idsOf((await fixture.pass(forward)).items), ['n000']);
  const { fence: _, ...still } = await fixture.read(fixture.store, 'n000');
  const { fence: __, ...was } = before;
  assert.deepEqual(still, was);
  assert.deepEqual([...(await forward.write([off]))], ['conflict']);
}

async function checkRenewal(fixture: SideFixture): Promise<void> {
  await fixture.app.put(fixture.nodes(1));
  const { forward } = await fixture.prepared();
  await fixture.bringAll(forward);
  const { fence, contentHash, ...before } = await fixture.read(forward, 'n000');
  const set = {
    ...fixture.target.info,
    vector: fixture.vector(9, fixture.target),
    embeddedHash: contentHash,
  };
  assert.deepEqual([...(await forward.write([{ nodeId: 'n000', fence }]))], ['written']);
  assert.deepEqual([...(await forward.write([{ nodeId: 'n000', fence, set }]))], ['conflict']);
  const { fence: _, contentHash: __, ...after } = await fixture.read(forward, 'n000');
  assert.deepEqual(after, before);
}

async function checkKeepingUp(fixture: SideFixture): Promise<void> {
  const { app } = fixture;
  await app.put(fixture.nodes(6));
  const { forward } = await fixture.prepared();
  await fixture.bringAll(forward);
  await app.edit('n001', 'another text');
  await app.put([fixture.node('later')]);
  await app.remove('n002');
  const { items, gone } = await fixture.pass(forward);
  assert.deepEqual(idsOf(items), ['later', 'n001']);
  assert.deepEqual([...gone], fixture.options.isApart ? ['n002'] : []);
  if (fixture.options.isApart) assert.equal(await forward.remove([...gone, 'n003']), 1);
  await fixture.bring(forward, ['n001', 'later']);
  await fixture.assertFine(forward);
  const node = await fixture.read(forward, 'n001');
  assert.equal(node.content, 'another text');
  fixture.assertVector(node.vector, fixture.vector('another text'.length, fixture.target));
  assert.deepEqual([...(await forward.read(['n002']))], []);
}

async function checkMetadata(fixture: SideFixture): Promise<void> {
  const { app, store } = fixture;
  if (!store.capabilities.where) return;
  await app.put([{ ...fixture.node('a'), metadata: { kind: 'x', size: 1 } }, fixture.node('b')]);
  const sides = await fixture.prepared();
  await fixture.bringAll(sides.forward);
  await app.put([{ ...fixture.node('a'), metadata: { kind: 'y' } }]);
  if (fixture.options.isApart) {
    const { items, mended } = await fixture.pass(sides.forward);
    assert.deepEqual([[...items], mended], [[], 1]);
  }
  await fixture.bringAll(sides.forward);
  await sides.cutover();
  assert.deepEqual(idsOf((await store.scan({ limit: 9, where: { kind: 'y' } })).items), ['a']);
  assert.deepEqual(idsOf((await store.scan({ limit: 9, where: { kind: 'x' } })).items), []);
}

async function checkCounting(fixture: SideFixture): Promise<void> {
  const { app } = fixture;
  await app.put(fixture.nodes(12));
  const { forward } = await fixture.prepared();
  const first = await forward.compare();
  assert.deepEqual([first.behind, first.extra, first.sample.length], [12, 0, 10]);
  await fixture.bringAll(forward);
  await app.edit('n001', 'another text');
  await app.remove('n002');
  const second = await forward.compare();
  assert.deepEqual([second.behind, second.extra], [1, fixture.options.isApart ? 1 : 0]);
  assert.ok(second.sample.includes('n001'));
  assert.deepEqual(await forward.compare(), second, 'counting changed something');
}
