import { describe, expect, it } from 'vitest';
import type { RegistryStore } from '../../src/ports/registry-store.ts';
import type { OriginDatabase } from '../fixtures/origin-database.ts';
import { done, expectBoth, expectSound, mini, opened, plan, tasksOf } from '../fixtures/origin-openings.ts';

describe('damaged plans', () => {
  const whole = plan({ status: 'in_progress', tasks: [done('a'), { node_id: 'b' }, { node_id: 'ü"' }] });

  it.each<[string, (origin: OriginDatabase) => unknown, number]>([
    ['no JSON', (origin) => origin.model(mini).plan({ ...whole, plan_data: '{not json' }), 384],
    ['JSON of another kind', (origin) => origin.model(mini).plan({ ...whole, plan_data: '[1]' }), 384],
    [
      'JSON without tasks',
      (origin) => origin.model(mini).plan({ ...whole, plan_data: '{"plan_id": "p1"}' }),
      384,
    ],
    [
      'JSON that breaks off: its head still knows the dimension',
      (origin) => {
        origin.plan(whole);
        origin.raw.exec('UPDATE migration_plans SET plan_data = substr(plan_data, 1, length(plan_data) / 2)');
      },
      384,
    ],
    ['no JSON, and no one knows the model', (origin) => origin.plan({ ...whole, plan_data: '' }), 1],
  ])('%s: columns and the table of tasks stand in', async (_, build, dimension) => {
    await expectBoth(
      (origin) => {
        build(origin);
        origin.plan(plan({ plan_id: 'other', tasks: [done('z')] }));
      },
      async (store) => {
        expect(await store.plan('p1')).toMatchObject({
          status: 'paused',
          sourceSpec: { modelId: 'binary_hdv', checksum: 'b1', dimension: 16384 },
          targetSpec: { modelId: 'mini', version: 1, checksum: 'm1', dimension },
        });
        expect(await tasksOf(store)).toMatchObject([
          { nodeId: 'a', status: 'completed' },
          { nodeId: 'b', status: 'pending' },
          { nodeId: 'ü"', status: 'pending' },
        ]);
        await expectSound(store);
        await expectSound(store, 'other');
      },
    );
  });

  it('whose specifications are nonsense everywhere are left out and journalled; the others come in', async () => {
    const [[, upgraded], [, read]] = (await opened((origin) =>
      origin
        .plan(plan({ plan_id: 'bad', target: { ...mini, version: 0 }, tasks: [{ node_id: 'a' }] }))
        .plan(plan({ tasks: [{ node_id: 'a' }] })),
    )) as [[string, RegistryStore], [string, RegistryStore]];
    for (const store of [upgraded, read])
      expect((await store.plans()).items.map((item) => item.planId)).toEqual(['p1']);
    expect((await upgraded.journal()).items).toContainEqual(
      expect.objectContaining({ action: 'plan:skipped', details: { planId: 'bad' } }),
    );
    await upgraded.close();
    await read.close();
  });
});
