import { expect, it, onTestFinished } from 'vitest';
import { liveAlias } from './application.ts';
import { seededWorld } from './seeds.ts';

it('counts nodes whose stamp nobody can compare as nodes without one, and comes to an end', async () => {
  const world = await seededWorld('shadow');
  onTestFinished(() => world.close());
  const { application } = world;
  const { store } = await world.open();
  const before = await store.countByModel();
  const odd = [
    { embedding_model_id: ['a', 'b'] },
    { embedding_model_id: 'a', embedding_version: 1.5, embedding_checksum: '' },
    { embedding_model_id: 'a', embedding_version: true },
    { embedding_model_id: { name: 'a' }, embedding_version: 1 },
  ];
  await application.client.upsert(liveAlias, {
    points: odd.map((stamp, index) => ({
      id: 2000 + index,
      vector: Array(16).fill(1),
      payload: { text: 'odd', ...stamp },
    })),
  });
  expect(await store.countByModel()).toEqual(
    before.map(({ count, ...info }) => ({ ...info, count: 'info' in info ? count : count + odd.length })),
  );
});
