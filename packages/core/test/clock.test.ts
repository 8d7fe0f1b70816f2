import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/index.ts';

describe('systemClock', () => {
  test('tells milliseconds, chances and ids', () => {
    const before = Date.now();
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    const chance = systemClock.random();
    expect(chance >= 0 && chance < 1).toBe(true);
    expect(systemClock.uuid()).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(systemClock.uuid()).not.toBe(systemClock.uuid());
  });

  test('comes back from a short sleep', async () => {
    await systemClock.sleep(1);
    await systemClock.sleep(0);
  });

  test('wakes at an abort, without an error and without a listener left behind', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await systemClock.sleep(1, signal);
    expect(listeners).toBe(0);
    const sleeping = systemClock.sleep(3_600_000, signal);
    controller.abort();
    await sleeping;
    expect(listeners).toBe(0);
    await systemClock.sleep(3_600_000, signal);
  });

  test('sleeps on where a timer would overflow', async () => {
    const controller = new AbortController();
    let isAwake = false;
    const sleeping = systemClock.sleep(2 ** 40, controller.signal).then(() => {
      isAwake = true;
    });
    await systemClock.sleep(5);
    expect(isAwake).toBe(false);
    controller.abort();
    await sleeping;
  });
});
