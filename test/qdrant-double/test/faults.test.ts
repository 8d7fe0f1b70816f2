import { describe, expect, it } from 'vitest';
import { numberedPoints, withDouble } from './double.ts';

async function scene() {
  const { double, client } = await withDouble();
  await client.createCollection('c', { vectors: { size: 2, distance: 'Dot' } });
  const write = () => client.upsert('c', { points: numberedPoints(1) });
  const written = async () => (await client.count('c')).count === 1;
  const failure = () =>
    write().then(
      () => undefined,
      (error: unknown) =>
        error as { status?: number; name: string; retry_after?: number; cause?: { code?: string } },
    );
  return { double, client, write, written, failure };
}

const upserts = ({ operation }: { operation: string }) => operation === 'upsert_points';

describe.each(['before', 'after'] as const)('%s the operation took effect', (when) => {
  it.each([408, 429, 500, 502, 503, 504, 507])('the answer is %i', async (status) => {
    const { double, written, failure } = await scene();
    double.inject({ on: upserts, fault: { kind: 'status', status, when } });
    expect(await failure()).toMatchObject({ status });
    expect(await written()).toBe(when === 'after');
    expect(await failure()).toBeUndefined();
  });

  it('the connection is reset', async () => {
    const { double, written, failure } = await scene();
    double.inject({ on: upserts, fault: { kind: 'reset', when } });
    expect(await failure()).toMatchObject({ message: 'fetch failed' });
    expect(await written()).toBe(when === 'after');
  });

  it('the request waits until it is let go', async () => {
    const { double, write, written } = await scene();
    const { promise: until, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const run = () => {
      arrive();
      return until;
    };
    double.inject({ on: upserts, fault: { kind: 'run', when, run } });
    const pending = write();
    await arrived;
    expect(await written()).toBe(when === 'after');
    letGo();
    expect(await pending).toMatchObject({ status: 'completed' });
  });
});

it('a 429 can say when to come back', async () => {
  const { double, failure } = await scene();
  double.inject({ on: upserts, fault: { kind: 'status', status: 429, retryAfterSeconds: 37 } });
  // The client keeps the first digit only, and nothing else of the answer.
  expect(await failure()).toMatchObject({ retry_after: 3 });
});

it('a write can be answered with 202', async () => {
  const { double, written, failure } = await scene();
  double.inject({ on: upserts, fault: { kind: 'accepted' } });
  expect(await failure()).toMatchObject({ name: 'QdrantClientUnexpectedResponseError' });
  expect(await written()).toBe(true);
});

it('a write can be waited for in vain, and is applied later', async () => {
  const { double, write, written } = await scene();
  double.inject({ on: upserts, fault: { kind: 'waitTimeout' } });
  expect(await write()).toMatchObject({ status: 'wait_timeout' });
  expect(await written()).toBe(false);
  expect(await written()).toBe(true);
});

it('new points can be deferred: writes know them, reads do not', async () => {
  const { double, client, write, written } = await scene();
  double.inject({ on: upserts, fault: { kind: 'deferred' } });
  expect(await write()).toMatchObject({ status: 'completed' });
  expect(await written()).toBe(false);
  expect((await client.getCollection('c')).update_queue?.deferred_points).toBe(1);
  await client.setPayload('c', {
    payload: { seen: true },
    filter: { must: [{ key: 'n', match: { value: 0 } }] },
  });
  double.optimise();
  expect((await client.scroll('c', {})).points).toEqual([{ id: 0, payload: { n: 0, seen: true } }]);
});

it('a rule picks its requests: some pass first, some are met, the rest pass', async () => {
  const { double, failure } = await scene();
  const injected = double.inject({ on: upserts, skip: 1, times: 2, fault: { kind: 'status', status: 503 } });
  const statuses = [];
  for (let n = 0; n < 5; n++) statuses.push((await failure())?.status);
  expect(statuses).toEqual([undefined, 503, 503, undefined, undefined]);
  expect(injected.met).toBe(2);
});

it('a rule taken away meets nothing, and of two the later one is met first', async () => {
  const { double, failure } = await scene();
  const gone = double.inject({ on: upserts, fault: { kind: 'status', status: 500 } });
  gone.remove();
  double.inject({ on: upserts, fault: { kind: 'status', status: 503 } });
  double.inject({ on: upserts, fault: { kind: 'status', status: 507 } });
  expect((await failure())?.status).toBe(507);
  expect((await failure())?.status).toBe(503);
  double.inject({ on: upserts, times: 9, fault: { kind: 'status', status: 500 } });
  double.clearFaults();
  expect(await failure()).toBeUndefined();
});
