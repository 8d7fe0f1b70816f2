import { describe, expect, it } from 'vitest';
import type { NodeStore, NodeWrite } from '../../src/index.ts';
import {
  atPoint,
  FaultyProcess,
  faultyEmbedder,
  faultyNodeStore,
  ManualClock,
  pointName,
  recordPoints,
  testEmbedder,
} from '../../src/testing/index.ts';

const write = (nodeId: string): NodeWrite => ({ nodeId, fence: '1' });

/** Only what these tests call. */
function memory() {
  const written: string[] = [];
  const store = {
    storeId: 'memory',
    capabilities: { fence: 'exact', where: false, strategies: ['inPlace'] },
    read: async () => [],
    async write(writes: readonly NodeWrite[]) {
      written.push(...writes.map(({ nodeId }) => nodeId));
      return writes.map(() => 'written' as const);
    },
    mark: { read: async () => 7, write: async () => {} },
  } as unknown as NodeStore;
  return { store, written };
}

describe('a faulty store', () => {
  it('passes every call on, and names its points', async () => {
    const { store, written } = memory();
    const { script, points } = recordPoints();
    const faulty = faultyNodeStore(store, script, { nodeByNode: true });
    expect(await faulty.write([write('a'), write('b')])).toEqual(['written', 'written']);
    expect(await faulty.mark?.read()).toBe(7);
    await faulty.read(['a']);
    await faulty.read(['b']);
    expect(written).toEqual(['a', 'b']);
    expect(points.map(pointName)).toEqual([
      'nodes.write #0 before',
      'nodes.write #0 within (1 written)',
      'nodes.write #0 after',
      'nodes.mark.read #0 before',
      'nodes.mark.read #0 after',
      'nodes.read #0 before',
      'nodes.read #0 after',
      'nodes.read #1 before',
      'nodes.read #1 after',
    ]);
    expect(points.at(-1)?.result).toEqual([]);
    expect('search' in faulty).toBe(false);
  });

  it.each([
    ['nodes.write #0 before', []],
    ['nodes.write #0 within (1 written)', ['a']],
    ['nodes.write #0 after', ['a', 'b']],
  ])('fails at %s, once, with what was done by then', async (name, done) => {
    const { store, written } = memory();
    const fault = atPoint(name, () => {
      throw new Error('scripted');
    });
    const faulty = faultyNodeStore(store, fault.script, { nodeByNode: true });
    await expect(faulty.write([write('a'), write('b')])).rejects.toThrow('scripted');
    expect([fault.reached, written]).toEqual([true, done]);
    await fault.arrival;
    await faulty.write([write('c')]);
    expect(written).toEqual([...done, 'c']);
  });
});

describe('a process', () => {
  it('that is frozen goes on where it stopped', async () => {
    const process = new FaultyProcess();
    const { store, written } = memory();
    const faulty = faultyNodeStore(store, () => undefined, { process });
    const frozen = process.freeze();
    const call = faulty.write([write('a')]);
    expect([process.state, written]).toEqual(['frozen', []]);
    process.thaw();
    await frozen;
    expect(await call).toEqual(['written']);
  });

  it('that is killed comes back from no call and no sleep, and its sleeps are gone', async () => {
    const process = new FaultyProcess();
    const clock = new ManualClock();
    const { store, written } = memory();
    const kill = atPoint('nodes.write #0 after', () => process.kill());
    const faulty = faultyNodeStore(store, kill.script, { process });
    const embedder = faultyEmbedder(testEmbedder(), () => undefined, { process });
    let cameBack = 0;
    const count = () => {
      cameBack += 1;
    };
    void process.clock(clock).sleep(1000).then(count, count);
    void faulty.write([write('a')]).then(count, count);
    await kill.arrival;
    void faulty.write([write('b')]).then(count, count);
    void embedder.embed(['text'], { purpose: 'document' }).then(count, count);
    process.thaw();
    await clock.advance(5000);
    expect([process.state, cameBack, clock.sleepers, written]).toEqual(['killed', 0, 0, ['a']]);
  });
});
