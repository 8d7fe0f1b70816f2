import assert from 'node:assert/strict';
import { isAtTarget, sameStamp } from '../../model/compatibility.ts';
import type { NodeFilter } from '../../model/plan.ts';
import {
  assertIds,
  bitInfo,
  type ContractNode,
  type Fixture,
  idsOf,
  newInfo,
  oldInfo,
  stamp,
} from './fixture.ts';

type Case = (fixture: Fixture) => Promise<void>;

const strangeIds = [
  "it's",
  '"quoted"',
  "a'; drop everything; --",
  '%_\\',
  'a',
  'A',
  'é',
  'e\u0301',
  '日本語',
  '\u{1F600}',
  '\uFB01',
  ' padded ',
  '__proto__',
  '0',
  '00',
  '{"json":[1]}',
  'line\nbreak',
  'x'.repeat(300),
];

export const readingCases: Readonly<Record<string, Case>> = {
  'has an id of its own, the same for everyone': checkStoreId,
  'says truthfully what it can do': checkCapabilities,
  'holds nothing at first': checkEmpty,
  'answers nothing for nothing': async ({ store }) => {
    assert.deepEqual([...(await store.read([]))], []);
    assert.deepEqual([...(await store.write([]))], []);
  },
  'reads back what the application stored': checkReadBack,
  'leaves absent ids out and reads each node once': async (fixture) => {
    await fixture.app.put(fixture.nodes(3));
    const nodes = await fixture.store.read(['n001', 'absent', 'n001', 'n000']);
    assertIds(nodes, ['n000', 'n001']);
  },
  'keeps ids of every script and with quotes apart': checkStrangeIds,
  'hashes equal texts equally, and others not': checkHashes,
  'gives vectors that are the caller’s to change': async (fixture) => {
    await fixture.app.put(fixture.nodes(1));
    const { vector } = await fixture.read('n000');
    vector!.fill(0);
    fixture.assertVector((await fixture.read('n000')).vector, fixture.vector(0));
  },
  'scans every node once, page by page': checkPages,
  'lists in a scan what a read says': checkHeads,
  'sees nodes written between two pages': checkGrowingScan,
  'scans nodes off the target, and never one that is at it': checkOffTarget,
  'meets each node once while they move to the target': checkMovingScan,
  'finds a node at the target whose text changed since': checkStaleText,
  'counts nodes by stamp': checkCounts,
  'filters by metadata': checkFilters,
  'reads one metadata field': checkField,
  'searches the vectors of one model': checkSearch,
};

async function checkField({ store, app }: Fixture): Promise<void> {
  if (store.readField === undefined) return;
  const values = ['fr', '', 'constructor', "it's"];
  await app.put([
    ...values.map((lang, index) => ({
      id: `t${index}`,
      content: `content ${index}`,
      metadata: { kind: lang },
    })),
    { id: 'bare', content: 'content' },
  ]);
  const ids = ['t3', 't0', 'absent', 'bare', 't1', 't2', 't0'];
  const found = await store.readField(ids, 'kind');
  assert.deepEqual([...found].sort(), values.map((lang, index) => [`t${index}`, lang]).sort());
  assert.equal((await store.readField([], 'kind')).size, 0);
}

async function checkStoreId({ store, harness }: Fixture): Promise<void> {
  assert.match(store.storeId, /^[\w-]{8,}$/, 'a store id is random and holds no path or URL');
  const again = await harness.reopen?.();
  if (again !== undefined) assert.equal(again.storeId, store.storeId);
}

async function checkCapabilities({ store }: Fixture): Promise<void> {
  const { fence, where, strategies } = store.capabilities;
  assert.ok(['exact', 'checked', 'none'].includes(fence));
  assert.equal(typeof where, 'boolean');
  assert.ok(strategies.length > 0);
  for (const strategy of strategies) assert.ok(['inPlace', 'namedVector', 'shadow'].includes(strategy));
}

async function checkEmpty(fixture: Fixture): Promise<void> {
  const page = await fixture.store.scan({ limit: 5 });
  assert.deepEqual([...page.items], []);
  assert.equal(page.next, undefined);
  assert.deepEqual(await fixture.scan({ notAt: newInfo }), []);
  assert.deepEqual([...(await fixture.store.countByModel())], []);
  assert.deepEqual([...(await fixture.store.read(['absent']))], []);
}

async function checkReadBack(fixture: Fixture): Promise<void> {
  const content = 'A text\u0000 with\r\n all sorts: ’ " \u{1F600} é';
  await fixture.app.put([
    { id: 'whole', content, vector: fixture.vector(1), ...oldInfo },
    { id: 'bare', content: '' },
  ]);
  const whole = await fixture.read('whole');
  assert.equal(whole.content, content);
  fixture.assertVector(whole.vector, fixture.vector(1));
  assert.ok(sameStamp(whole, oldInfo));
  assert.ok(typeof whole.fence === 'string' && whole.fence !== '');
  const bare = await fixture.read('bare');
  assert.equal(bare.content ?? '', '');
  assert.ok(bare.contentHash !== '');
  assert.equal(bare.vector, undefined);
  assert.equal(bare.embeddingModelId, undefined, 'a node without a vector carries no stamp');
  if (!fixture.options.bits) return;
  const bits = Uint8Array.from({ length: fixture.options.dimension / 8 }, (_, index) => 255 - index);
  await fixture.app.put([{ id: 'bits', content: 'b', vector: bits, ...bitInfo }]);
  fixture.assertVector((await fixture.read('bits')).vector, bits);
}

async function checkStrangeIds(fixture: Fixture): Promise<void> {
  const { store, app } = fixture;
  await app.put(
    strangeIds.map((id, index) => ({
      id,
      content: `of ${index}`,
      vector: fixture.vector(index),
      ...oldInfo,
    })),
  );
  for (const [index, id] of strangeIds.entries())
    assert.equal((await fixture.read(id)).content, `of ${index}`);
  assertIds(await store.read(strangeIds), strangeIds);
  assertIds(await fixture.scan({ notAt: newInfo }, 4), strangeIds);
  await fixture.migrate(strangeIds);
  assert.deepEqual(await fixture.scan({ notAt: newInfo }, 4), []);
  await app.remove(strangeIds[0]!);
  assertIds(await fixture.scan({}, 4), strangeIds.slice(1));
}

async function checkHashes(fixture: Fixture): Promise<void> {
  await fixture.app.put([
    { id: 'a', content: 'same' },
    { id: 'b', content: 'same', vector: fixture.vector(1), ...oldInfo },
    { id: 'c', content: 'same ' },
  ]);
  const [a, b, c] = [await fixture.read('a'), await fixture.read('b'), await fixture.read('c')];
  assert.equal(a.contentHash, b.contentHash);
  assert.notEqual(a.contentHash, c.contentHash);
  await fixture.app.edit('c', 'same');
  assert.equal((await fixture.read('c')).contentHash, a.contentHash);
}

async function checkPages(fixture: Fixture): Promise<void> {
  const nodes = [...fixture.nodes(20), { id: 'unstamped', content: 'u', vector: fixture.vector(5) }];
  await fixture.app.put(nodes);
  const ids = idsOf(nodes);
  for (const limit of [1, 7, ids.length, 1000]) assertIds(await fixture.scan({}, limit), ids);
  const order = (await fixture.scan({}, 3)).map(({ id }) => id);
  assert.deepEqual(
    (await fixture.scan({}, 8)).map(({ id }) => id),
    order,
    'the order is not stable',
  );
}

async function checkHeads(fixture: Fixture): Promise<void> {
  await fixture.app.put([...fixture.nodes(2), { id: 'bare', content: 'x' }]);
  await fixture.app.edit('n001', 'edited');
  for (const head of await fixture.scan()) {
    const { id, embeddingModelId, embeddingVersion, embeddingChecksum } = await fixture.read(head.id);
    const stamp =
      embeddingModelId === undefined ? {} : { embeddingModelId, embeddingVersion, embeddingChecksum };
    assert.deepEqual({ ...head }, { id, ...stamp });
  }
}

async function checkGrowingScan(fixture: Fixture): Promise<void> {
  const nodes = fixture.nodes(10);
  await fixture.app.put(nodes);
  const later: ContractNode[] = ['a', 'n0045', 'z'].map((id) => ({ id, content: id }));
  let isFirst = true;
  const seen = await fixture.scan({}, 4, async () => {
    if (isFirst) await fixture.app.put(later);
    isFirst = false;
  });
  const ids = seen.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'a node was met twice');
  for (const { id } of nodes) assert.ok(ids.includes(id), `${id} was not met`);
  assertIds(await fixture.scan(), idsOf([...nodes, ...later]));
}

async function checkOffTarget(fixture: Fixture): Promise<void> {
  const other = [
    stamp('model-three', newInfo.embeddingVersion, newInfo.embeddingChecksum),
    stamp(newInfo.embeddingModelId, 2, newInfo.embeddingChecksum),
    stamp(newInfo.embeddingModelId, newInfo.embeddingVersion, 'another'),
    oldInfo,
  ];
  const nodes = other.map((info, index) => ({ ...fixture.nodes(1, info)[0]!, id: `off${index}` }));
  await fixture.app.put([
    ...nodes,
    { id: 'off-unstamped', content: 'u', vector: fixture.vector(3) },
    { id: 'off-bare', content: 'b' },
    { id: 'at', content: 'c', vector: fixture.vector(4), ...newInfo },
    { id: 'at-unknown', content: 'd', vector: fixture.vector(5), ...oldInfo },
  ]);
  // Stamped by someone who did not say of which text: at the target.
  const { fence } = await fixture.read('at-unknown');
  const set = { ...newInfo, vector: fixture.vector(6) };
  assert.deepEqual([...(await fixture.store.write([{ nodeId: 'at-unknown', fence, set }]))], ['written']);
  const off = [...idsOf(nodes), 'off-bare', 'off-unstamped'];
  for (const limit of [1, 3, 100]) assertIds(await fixture.scan({ notAt: newInfo }, limit), off);
  for (const { id } of await fixture.scan({ notAt: newInfo }))
    assert.equal(isAtTarget(await fixture.read(id), newInfo), false);
}

async function checkMovingScan(fixture: Fixture): Promise<void> {
  const nodes = fixture.nodes(23);
  await fixture.app.put(nodes);
  const seen = await fixture.scan({ notAt: newInfo }, 5, (page) => fixture.migrate(page.map(({ id }) => id)));
  assertIds(seen, idsOf(nodes));
  assert.deepEqual(await fixture.scan({ notAt: newInfo }), []);
}

async function checkStaleText(fixture: Fixture): Promise<void> {
  await fixture.app.put(fixture.nodes(4));
  await fixture.migrate(['n000', 'n001', 'n002', 'n003']);
  await fixture.app.edit('n001', 'another text');
  const { contentHash, embeddedHash } = await fixture.read('n001');
  assert.notEqual(contentHash, embeddedHash);
  assertIds(await fixture.scan({ notAt: newInfo }), ['n001']);
  await fixture.app.edit('n001', 'content 1');
  assertIds(await fixture.scan({ notAt: newInfo }), []);
}

async function checkCounts(fixture: Fixture): Promise<void> {
  await fixture.app.put([
    ...fixture.nodes(5),
    { id: 'bare', content: 'x' },
    { id: 'unstamped', content: 'y', vector: fixture.vector(9) },
  ]);
  await fixture.migrate(['n000', 'n001']);
  const counts = await fixture.store.countByModel();
  const of = (info: typeof oldInfo | undefined) =>
    counts.filter((entry) => sameStamp(entry.info, info)).map(({ count }) => count);
  assert.deepEqual([of(oldInfo), of(newInfo), of(undefined)], [[3], [2], [2]]);
  assert.equal(counts.length, 3);
}

async function checkFilters(fixture: Fixture): Promise<void> {
  const { store, app } = fixture;
  if (!store.capabilities.where) return;
  const metadata = [
    { kind: 'note', size: 1, draft: true },
    { kind: 'note', size: 2.5, draft: false },
    { kind: "it's", size: 1, draft: false },
    {},
  ];
  await app.put(fixture.nodes(4).map((node, index) => ({ ...node, metadata: metadata[index]! })));
  const expected: [NodeFilter, string[]][] = [
    [{ kind: 'note' }, ['n000', 'n001']],
    [{ kind: 'note', size: 1 }, ['n000']],
    [{ kind: "it's" }, ['n002']],
    [{ size: 2.5 }, ['n001']],
    [{ draft: true }, ['n000']],
    [{ draft: false }, ['n001', 'n002']],
    [{ kind: 'none' }, []],
    [{}, ['n000', 'n001', 'n002', 'n003']],
  ];
  await fixture.migrate(['n001']);
  for (const [where, ids] of expected) {
    assertIds(await fixture.scan({ where }, 2), ids);
    assertIds(
      await fixture.scan({ where, notAt: newInfo }, 1),
      ids.filter((id) => id !== 'n001'),
    );
    const counts = await store.countByModel({ where });
    assert.equal(
      counts.reduce((sum, { count }) => sum + count, 0),
      ids.length,
    );
    assert.ok(counts.every(({ count }) => count > 0));
    const hits = await store.search?.(fixture.vector(0), { at: oldInfo, k: 10, where });
    if (hits !== undefined)
      assertIds(
        hits,
        ids.filter((id) => id !== 'n001'),
      );
  }
}

async function checkSearch(fixture: Fixture): Promise<void> {
  const { store, app } = fixture;
  if (store.search === undefined) return;
  await app.put(fixture.nodes(12));
  await fixture.migrate(['n003', 'n004']);
  await app.put([
    { id: 'unstamped', content: 'u', vector: fixture.vector(2) },
    { id: 'bare', content: 'b' },
  ]);
  const hits = await store.search(fixture.vector(2), { at: oldInfo, k: 5 });
  assert.equal(hits.length, 5);
  assert.equal(hits[0]?.id, 'n002');
  const scores = hits.map(({ score }) => score);
  assert.deepEqual(
    scores,
    scores.toSorted((a, b) => b - a),
    'nearest first',
  );
  const all = await store.search(fixture.vector(2), { at: oldInfo, k: 100 });
  assertIds(
    all,
    idsOf(fixture.nodes(12)).filter((id) => id !== 'n003' && id !== 'n004'),
  );
  assertIds(await store.search(fixture.vector(2), { at: newInfo, k: 100 }), ['n003', 'n004']);
  const unknown = await store.search(fixture.vector(2), { at: stamp('nobody', 1, 'x'), k: 3 });
  assert.deepEqual([...unknown], []);
}
