import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/testing/index.ts';

function logging(clock: ManualClock) {
  const log: string[] = [];
  const sleep = async (name: string, ms: number, signal?: AbortSignal) => {
    await clock.sleep(ms, signal);
    log.push(`${name}@${clock.now()}`);
  };
  return { log, sleep };
}

describe('ManualClock', () => {
  test('stands still until it is advanced', async () => {
    const clock = new ManualClock();
    expect(clock.now()).toBe(Date.parse('2026-01-01T00:00:00Z'));
    await clock.advance(1500);
    expect(clock.now()).toBe(Date.parse('2026-01-01T00:00:01.500Z'));
  });

  test('wakes sleepers in the order of their times, equal ones in the order of their calls', async () => {
    const clock = new ManualClock({ now: 0 });
    const { log, sleep } = logging(clock);
    const all = [sleep('c', 30), sleep('a', 10), sleep('d', 30), sleep('b', 20), sleep('late', 31)];
    expect([clock.sleepers, clock.nextWakeAt]).toEqual([5, 10]);
    await clock.advance(30);
    expect(log).toEqual(['a@10', 'b@20', 'c@30', 'd@30']);
    expect([clock.sleepers, clock.nextWakeAt]).toEqual([1, 31]);
    await clock.advanceToNext();
    await Promise.all(all);
  });

  test('lets a woken sleeper sleep again within one advance', async () => {
    const clock = new ManualClock({ now: 0 });
    const ticks: number[] = [];
    const ticking = (async () => {
      while (ticks.length < 5) {
        await clock.sleep(10);
        ticks.push(clock.now());
      }
    })();
    await clock.advance(49);
    expect(ticks).toEqual([10, 20, 30, 40]);
    await clock.runUntil(ticking);
    expect(clock.now()).toBe(50);
  });

  test('advances to the next sleeper, and says where none sleeps', async () => {
    const clock = new ManualClock({ now: 0 });
    const { log, sleep } = logging(clock);
    const both = [sleep('a', 70), sleep('b', 70)];
    expect(await clock.advanceToNext()).toBe(true);
    expect(log).toEqual(['a@70', 'b@70']);
    expect(await clock.advanceToNext()).toBe(false);
    expect(clock.nextWakeAt).toBeUndefined();
    await Promise.all(both);
  });

  test('comes back from nothing to wait for without an advance', async () => {
    const clock = new ManualClock({ now: 0 });
    await clock.sleep(0);
    await clock.sleep(-5);
    expect([clock.now(), clock.sleepers]).toEqual([0, 0]);
  });

  test('resolves a sleep at once when its signal aborts', async () => {
    const clock = new ManualClock({ now: 0 });
    const controller = new AbortController();
    const sleeping = clock.sleep(1000, controller.signal);
    expect(clock.sleepers).toBe(1);
    controller.abort();
    await sleeping;
    await clock.sleep(1000, controller.signal);
    expect([clock.now(), clock.sleepers]).toEqual([0, 0]);
  });

  test('a jump of the wall clock neither fires nor delays a sleeper', async () => {
    const clock = new ManualClock({ now: 10_000 });
    const { log, sleep } = logging(clock);
    const sleeping = sleep('a', 100);
    clock.set(2_000);
    expect([clock.now(), clock.nextWakeAt]).toEqual([2_000, 2_100]);
    await clock.advance(99);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['a@2100']);
    await sleeping;
  });

  test('tells when enough sleep', async () => {
    const clock = new ManualClock({ now: 0 });
    let isReached = false;
    const reached = clock.untilSleeping(2).then(() => {
      isReached = true;
    });
    const first = clock.sleep(1);
    await clock.advance(0);
    expect(isReached).toBe(false);
    const second = clock.sleep(2);
    await reached;
    await clock.untilSleeping(2);
    await clock.advance(2);
    await Promise.all([first, second]);
  });

  test('runs until a promise settles, and gives what it holds or throws', async () => {
    const clock = new ManualClock({ now: 0 });
    const slow = async () => {
      for (let round = 0; round < 20; round++) await clock.sleep(3_600_000);
      return 'done';
    };
    expect(await clock.runUntil(slow())).toBe('done');
    expect(clock.now()).toBe(20 * 3_600_000);
    const failing = clock.sleep(5).then(() => {
      throw new Error('broken');
    });
    await expect(clock.runUntil(failing)).rejects.toThrow('broken');
    await expect(clock.runUntil(slow(), { limitMs: 3_600_000 })).rejects.toThrow(RangeError);
  });

  test('refuses to advance backwards', async () => {
    await expect(new ManualClock().advance(-1)).rejects.toThrow(RangeError);
    await expect(new ManualClock().advance(Number.NaN)).rejects.toThrow(RangeError);
  });

  test('draws the same chances and ids from the same seed', () => {
    const drawn = (seed: number) => {
      const clock = new ManualClock({ seed });
      return [clock.random(), clock.random(), clock.uuid(), clock.uuid()];
    };
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
    const clock = new ManualClock();
    const chances = Array.from({ length: 1000 }, () => clock.random());
    expect(Math.min(...chances)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...chances)).toBeLessThan(1);
    expect(new Set(chances).size).toBe(1000);
    const ids = Array.from({ length: 200 }, () => clock.uuid());
    for (const id of ids)
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(new Set(ids).size).toBe(200);
  });
});
