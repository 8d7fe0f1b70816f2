import { expect, it } from 'vitest';
import { addressFaults, withAddress } from './address.ts';
import { assertNoneDeprecated } from './deprecated.ts';

const forge = 'https://forge.example/owner/name';

it('an address written into a manifest is whole, and the packages are attested', () => {
  const manifest = withAddress(
    { name: 'a', publishConfig: { access: 'public', provenance: false } },
    forge,
    'packages/a',
  );
  expect(manifest).toMatchObject({
    name: 'a',
    repository: { url: `git+${forge}.git`, directory: 'packages/a' },
    publishConfig: { access: 'public', provenance: true },
  });
  expect(addressFaults({ 'packages/a': manifest })).toEqual([]);
});

it('what lacks one, has another or that of its neighbour is named', () => {
  const a = withAddress({}, forge, 'packages/a');
  expect(addressFaults({ 'packages/b': a })).toEqual(['packages/b says packages/a']);
  expect(addressFaults({ 'packages/a': {} })).toContain('packages/a has no repository');
  const b = withAddress({ publishConfig: {} }, `${forge}-2`, 'packages/b');
  expect(addressFaults({ 'packages/a': a, 'packages/b': b })).toHaveLength(2);
  const silent = { ...b, publishConfig: { provenance: false } };
  expect(addressFaults({ 'packages/b': silent })).toEqual(['packages/b is not to be attested']);
});

const telling = (words: Record<string, string>) => async (name: string) => words[name] ?? '';
const known = { 'request@2.88.2': 'no longer supported' };

it('a dependency whose authors have given it up ends the release', async () => {
  expect(await assertNoneDeprecated(['a@1.0.0'], telling(known))).toBeUndefined();
  const ended = assertNoneDeprecated(['a@1.0.0', 'b@1.0.0'], telling({ ...known, 'b@1.0.0': 'use c' }));
  await expect(ended).rejects.toThrow('b@1.0.0 is deprecated: use c');
});

it('a registry that tells nothing, or is out of reach, leaves the check out and says so', async () => {
  expect(await assertNoneDeprecated(['a@1.0.0'], telling({}))).toMatch(/does not tell/);
  const unreachable = async () => Promise.reject(new Error('offline'));
  expect(await assertNoneDeprecated(['a@1.0.0'], unreachable)).toMatch(/can be asked/);
});
