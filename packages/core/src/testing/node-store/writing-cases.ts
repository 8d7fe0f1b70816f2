import assert from 'node:assert/strict';
import { sameStamp } from '../../model/compatibility.ts';
import type { NodeWrite } from '../../ports/node-store.ts';
import { assertIds, bitInfo, type Fixture, newInfo, oldInfo, withoutFence } from './fixture.ts';

type Case = (fixture: Fixture) => Promise<void>;

export const writingCases: Readonly<Record<string, Case>> = {
  'writes vector, stamp and embedded hash together': checkWrite,
  'renews only the fence where nothing is set': checkRenewal,
  'removes what a set leaves out': checkRemoval,
  'restores verbatim, past every check': checkRestore,
  'answers missing for a node that is gone': async (fixture) => {
    await fixture.app.put(fixture.nodes(1));
    const write = await prepared(fixture, 'n000');
    await fixture.app.remove('n000');
    assert.deepEqual([...(await fixture.store.write([write]))], ['missing']);
    assert.deepEqual([...(await fixture.store.read(['n000']))], []);
  },
  'answers each write in its place': checkOutcomes,
  'writes a node once for each fence': checkTwice,
  'writes many nodes at once': checkMany,
  'is not moved by an edit that came before it': checkEdits,
  'never uses a fence twice for an id': checkFences,
  'is not fooled by programs that know nothing of it': checkRaw,
  'does nothing when its signal has aborted': checkAborted,
  'keeps what it wrote for the next process': checkReopened,
  'keeps the mark': checkMark,
};

/** A migration of the node as it is now. */
async function prepared(fixture: Fixture, id: string, seed = 500): Promise<NodeWrite> {
  const { fence, contentHash } = await fixture.read(id);
  const set = { ...newInfo, vector: fixture.vector(seed), embeddedHash: contentHash };
  return { nodeId: id, fence, set };
}

async function checkWrite(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(2));
  const [before, other] = [await fixture.read('n000'), await fixture.read('n001')];
  assert.deepEqual([...(await fixture.store.write([await prepared(fixture, 'n000')]))], ['written']);
  const after = await fixture.read('n000');
  assert.equal(after.content, before.content);
  assert.equal(after.contentHash, before.contentHash);
  assert.equal(after.embeddedHash, before.contentHash);
  assert.ok(sameStamp(after, newInfo));
  fixture.assertVector(after.vector, fixture.vector(500));
  assert.notEqual(after.fence, before.fence);
  assert.deepEqual(await fixture.read('n001'), other);
}

async function checkRenewal(fixture: Fixture): Promise<void> {
  await fixture.app.put([...fixture.nodes(1), { id: 'bare', content: 'b' }]);
  for (const id of ['n000', 'bare']) {
    const before = await fixture.read(id);
    const late = await prepared(fixture, id);
    assert.deepEqual([...(await fixture.store.write([{ nodeId: id, fence: before.fence }]))], ['written']);
    const after = await fixture.read(id);
    assert.notEqual(after.fence, before.fence);
    assert.deepEqual(withoutFence(after), withoutFence(before));
    assert.deepEqual([...(await fixture.store.write([late]))], ['conflict']);
  }
}

async function checkRemoval(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(3));
  const sets: [string, NodeWrite['set']][] = [
    ['n000', { vector: fixture.vector(7) }],
    ['n001', {}],
    ['n002', { ...newInfo, vector: fixture.vector(8) }],
  ];
  for (const [nodeId, set] of sets) {
    const { fence } = await fixture.read(nodeId);
    assert.deepEqual([...(await fixture.store.write([{ nodeId, fence, set: set! }]))], ['written']);
  }
  const unstamped = await fixture.read('n000');
  assert.equal(unstamped.embeddingModelId, undefined);
  fixture.assertVector(unstamped.vector, fixture.vector(7));
  const bare = await fixture.read('n001');
  assert.deepEqual(
    [bare.vector, bare.embeddingModelId, bare.embeddedHash],
    [undefined, undefined, undefined],
  );
  assert.equal(bare.content, 'content 1');
  assert.equal((await fixture.read('n002')).embeddedHash, undefined);
}

async function checkRestore(fixture: Fixture): Promise<void> {
  const { dimension, bits } = fixture.options;
  const quirks = new Float32Array(dimension);
  // A signalling NaN with a payload, a negative zero, an infinity: numbers would not survive, bytes do.
  new Uint32Array(quirks.buffer).set([0x7f812345, 0x80000000, 0xff800000, 1]);
  const vectors = [
    ...(fixture.options.byteExact ? [quirks] : [fixture.vector(77)]),
    ...(bits ? [Uint8Array.from({ length: dimension / 8 }, (_, index) => 0xf0 ^ index)] : []),
    undefined,
  ];
  await fixture.app.put(fixture.nodes(1));
  for (const [index, vector] of vectors.entries()) {
    const info = vector instanceof Uint8Array ? bitInfo : oldInfo;
    const { fence, contentHash } = await fixture.read('n000');
    const set = vector === undefined ? {} : { ...info, vector, embeddedHash: contentHash };
    const outcome = await fixture.store.write([{ nodeId: 'n000', fence, set, restore: true }]);
    assert.deepEqual([...outcome], ['written'], `vector ${index}`);
    const after = await fixture.read('n000');
    if (vector === undefined) assert.equal(after.vector, undefined);
    else fixture.assertVector(after.vector, vector);
    assert.ok(sameStamp(after, vector === undefined ? undefined : info));
  }
  if (!bits) return;
  // What applications left behind may contradict itself, and goes back as it was.
  const { fence } = await fixture.read('n000');
  const set = { ...bitInfo, vector: fixture.vector(1) };
  await fixture.store.write([{ nodeId: 'n000', fence, set, restore: true }]);
  fixture.assertVector((await fixture.read('n000')).vector, fixture.vector(1));
}

async function checkOutcomes(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(4));
  const writes = await Promise.all(
    ['n000', 'n001', 'n002', 'n003'].map((id, index) => prepared(fixture, id, 600 + index)),
  );
  await fixture.app.edit('n001', 'edited');
  await fixture.app.remove('n002');
  const outcomes = await fixture.store.write(writes);
  assert.deepEqual([...outcomes], ['written', 'conflict', 'missing', 'written']);
  const nodes = await fixture.store.read(['n000', 'n001', 'n003']);
  const moved = nodes.filter((node) => sameStamp(node, newInfo));
  assertIds(moved, ['n000', 'n003']);
}

async function checkTwice(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(2));
  const write = await prepared(fixture, 'n000');
  assert.deepEqual([...(await fixture.store.write([write, write]))].sort(), ['conflict', 'written']);
  assert.deepEqual([...(await fixture.store.write([write]))], ['conflict']);
  const race = await prepared(fixture, 'n001');
  if (fixture.store.capabilities.fence !== 'exact') return;
  const outcomes = await Promise.all([fixture.store.write([race]), fixture.store.write([race])]);
  assert.deepEqual(outcomes.flat().sort(), ['conflict', 'written']);
}

async function checkMany(fixture: Fixture): Promise<void> {
  const nodes = fixture.nodes(fixture.options.manyNodes);
  await fixture.app.put(nodes);
  const ids = nodes.map(({ id }) => id);
  assertIds(await fixture.store.read(ids), ids);
  await fixture.migrate(ids);
  assert.deepEqual([...(await fixture.store.countByModel())], [{ info: newInfo, count: ids.length }]);
}

async function checkEdits(fixture: Fixture): Promise<void> {
  const { app } = fixture;
  const [node] = fixture.nodes(1);
  const edits: Record<string, () => Promise<void>> = {
    'an edit': () => app.edit('n000', 'edited'),
    'an edit and back': async () => {
      await app.edit('n000', 'edited');
      await app.edit('n000', node!.content);
    },
    'an edit to equal bytes': () => app.edit('n000', node!.content),
    'another vector': () => app.setVector('n000', fixture.vector(42), oldInfo),
    'an equal vector': () => app.setVector('n000', fixture.vector(0), oldInfo),
    'another stamp': () => app.setVector('n000', fixture.vector(0), newInfo),
    'the node put again': () => app.put([node!]),
    'the node removed and put again': async () => {
      await app.remove('n000');
      await app.put([node!]);
    },
  };
  for (const [name, edit] of Object.entries(edits)) {
    await app.put([node!]);
    const write = await prepared(fixture, 'n000');
    const renewal = { nodeId: 'n000', fence: write.fence };
    const back = { nodeId: 'n000', fence: write.fence, set: {}, restore: true };
    await edit();
    const after = await fixture.read('n000');
    assert.deepEqual([...(await fixture.store.write([write]))], ['conflict'], name);
    assert.deepEqual([...(await fixture.store.write([renewal, back]))], ['conflict', 'conflict'], name);
    assert.deepEqual(await fixture.read('n000'), after, `${name}: a refused write changed the node`);
  }
}

async function checkFences(fixture: Fixture): Promise<void> {
  const { app, store } = fixture;
  const [node] = fixture.nodes(1);
  const fences: string[] = [];
  const note = async () => fences.push((await fixture.read('n000')).fence);
  for (let round = 0; round < 3; round++) {
    await app.put([node!]);
    await note();
    await app.edit('n000', 'x');
    await note();
    await store.write([await prepared(fixture, 'n000')]);
    await note();
    await store.write([{ nodeId: 'n000', fence: fences.at(-1)! }]);
    await note();
    await app.remove('n000');
  }
  assert.equal(new Set(fences).size, fences.length, `fences came twice: ${fences.join(' ')}`);
}

async function checkRaw(fixture: Fixture): Promise<void> {
  const { raw } = fixture.app;
  if (raw === undefined) return;
  const fences: string[] = [];
  const edits: Record<string, () => Promise<void>> = {
    edit: () => raw.edit('n000', 'raw text'),
    rewrite: () => raw.rewrite('n000'),
    'replace by equal content': () => raw.replace('n000', 'content 0'),
    replace: () => raw.replace('n000', 'other content'),
  };
  for (const [name, edit] of Object.entries(edits)) {
    await fixture.app.put(fixture.nodes(1));
    const write = await prepared(fixture, 'n000');
    fences.push(write.fence);
    await edit();
    assert.deepEqual([...(await fixture.store.write([write]))], ['conflict'], name);
    fences.push((await fixture.read('n000')).fence);
  }
  assert.equal(new Set(fences).size, fences.length, `fences came twice: ${fences.join(' ')}`);
  await fixture.app.put(fixture.nodes(1));
  const { contentHash } = await fixture.read('n000');
  await fixture.migrate(['n000']);
  await raw.edit('n000', 'raw text');
  const edited = await fixture.read('n000');
  assert.equal(edited.content, 'raw text');
  assert.notEqual(edited.contentHash, contentHash, 'the hash of the content before the raw edit');
  assert.notEqual(edited.embeddedHash, edited.contentHash);
  assertIds(await fixture.scan({ notAt: newInfo }), ['n000']);
}

async function checkAborted(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(1));
  const before = await fixture.read('n000');
  const signal = AbortSignal.abort();
  const write = await prepared(fixture, 'n000');
  await assert.rejects(async () => fixture.store.write([write], { signal }));
  await assert.rejects(async () => fixture.store.read(['n000'], { signal }));
  await assert.rejects(async () => fixture.store.scan({ limit: 1, signal }));
  assert.deepEqual(await fixture.read('n000'), before);
}

async function checkReopened(fixture: Fixture): Promise<void> {
  if (fixture.harness.reopen === undefined) return;
  await fixture.app.put(fixture.nodes(3));
  await fixture.migrate(['n001']);
  const nodes = await fixture.store.read(['n000', 'n001', 'n002']);
  const again = await fixture.harness.reopen();
  assert.deepEqual(await again.read(['n000', 'n001', 'n002']), nodes);
  const write = await prepared(fixture, 'n002');
  assert.deepEqual([...(await again.write([write]))], ['written']);
  assert.deepEqual([...(await fixture.store.write([write]))], ['conflict']);
}

async function checkMark(fixture: Fixture): Promise<void> {
  const { mark } = fixture.store;
  if (mark === undefined) return;
  assert.equal(await mark.read(), 0);
  await mark.write(7);
  assert.equal(await mark.read(), 7);
  const again = await fixture.harness.reopen?.();
  if (again !== undefined) assert.equal(await again.mark?.read(), 7);
}
