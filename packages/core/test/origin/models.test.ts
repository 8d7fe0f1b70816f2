import { describe, expect, it } from 'vitest';
import type { OriginDatabase } from '../fixtures/origin-database.ts';
import { bits, expectBoth, mini, mini2, opened, plan } from '../fixtures/origin-openings.ts';

describe('models', () => {
  it('come in with notes, times and the one that is active', async () => {
    await expectBoth(
      (origin) =>
        origin.model({ ...mini, description: 'Sätze', created_at: '2026-01-02T03:04:05+00:00' }, true),
      async (store) => {
        expect(await store.models()).toMatchObject([
          {
            modelId: 'mini',
            version: 1,
            checksum: 'm1',
            dimension: 384,
            datatype: 'float32',
            distance: 'cosine',
            name: 'Mini',
            description: 'Sätze',
            createdAt: '2026-01-02T03:04:05.000Z',
            isActive: true,
          },
          {
            modelId: 'binary_hdv',
            datatype: 'bit',
            distance: 'hamming',
            createdAt: '2026-11-23T01:31:14.572Z',
            isActive: false,
          },
        ]);
      },
    );
  });

  it('that only plans mention are registered, several versions of an id among them', async () => {
    await expectBoth(
      (origin) =>
        origin
          .model(mini2)
          .plan(plan())
          .plan(plan({ plan_id: 'p2', source: mini, target: mini2 })),
      async (store) => {
        const named = (await store.models()).map((model) => `${model.qualifiedId} ${model.dimension}`);
        expect(named.sort()).toEqual(['binary_hdv:v1:52bdb6e9 16384', 'mini:v1:m1 384', 'mini:v2:m2 384']);
      },
    );
  });

  it('of one id and version with two checksums: the row wins, the plan keeps its own', async () => {
    await expectBoth(
      (origin) => origin.model(mini).plan(plan({ target: { ...mini, checksum: 'other', dimension: 385 } })),
      async (store) => {
        expect((await store.models()).filter((model) => model.modelId === 'mini')).toMatchObject([
          { checksum: 'm1', dimension: 384 },
        ]);
        expect(await store.plan('p1')).toMatchObject({ targetSpec: { checksum: 'other', dimension: 385 } });
      },
    );
  });

  it('of one id and version with two checksums, in plans alone: the first plan wins', async () => {
    await expectBoth(
      (origin) =>
        origin
          .plan(
            plan({
              plan_id: 'later',
              target: { ...mini, checksum: 'x' },
              created_at: '2026-11-25T00:00:00+00:00',
            }),
          )
          .plan(plan({ plan_id: 'first', created_at: '2026-11-24T00:00:00+00:00' })),
      async (store) => {
        expect((await store.models()).filter((model) => model.modelId === 'mini')).toMatchObject([
          { checksum: 'm1' },
        ]);
      },
    );
  });

  it.each([
    ['version 0', { version: 0 }],
    ['version 1.5', { version: 1.5 }],
    ['no dimension', { dimension: 0 }],
    ['an id of control characters', { model_id: '\u0007' }],
    ['an empty id', { model_id: '' }],
  ])('with %s are left out and journalled', async (_, nonsense) => {
    for (const [, store] of await opened((origin) => origin.model({ ...mini, ...nonsense }, true))) {
      // The active one is gone with it: the origin would make its default the active one.
      expect(await store.models()).toMatchObject([{ modelId: 'binary_hdv', isActive: true }]);
      const { items } = await store.journal();
      const skipped = items.filter((entry) => entry.action === 'model:skipped');
      expect(skipped).toHaveLength(items.length > 0 ? 1 : 0);
      await store.close();
    }
  });

  it.each([
    ['', 'unknown'],
    ['two words', 'two%20words'],
    ['Prüfsumme', 'Prüfsumme'],
  ])('checksum %j becomes %j', async (checksum, expected) => {
    await expectBoth(
      (origin) => origin.model({ ...mini, checksum }),
      async (store) =>
        expect(await store.models()).toContainEqual(expect.objectContaining({ checksum: expected })),
    );
  });

  it.each<[string, (origin: OriginDatabase) => unknown, object]>([
    ['none', () => {}, { modelId: 'binary_hdv', version: 1, dimension: 16384 }],
    ['others alone', (origin) => origin.model(mini), { modelId: 'binary_hdv', version: 1 }],
    [
      'the default in another version, as registering it over the active one leaves it',
      (origin) => origin.model({ ...bits, version: 2, checksum: 'b2' }),
      { modelId: 'binary_hdv', version: 1 },
    ],
    [
      'the default with its own dimension',
      (origin) => origin.model({ ...bits, dimension: 1024 }),
      { dimension: 1024 },
    ],
  ])('where none is active (%s), the default is, as in the origin', async (_, build, expected) => {
    await expectBoth(
      build,
      async (store) => {
        const active = (await store.models()).filter((model) => model.isActive);
        expect(active).toMatchObject([expected]);
      },
      { empty: true },
    );
  });
});
