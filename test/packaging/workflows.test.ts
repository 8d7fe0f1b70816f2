/** What runs with rights on the forge is what was looked at: no tag that moves, no right more than needed. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const files = globSync('.github/{workflows,actions/*}/*.yml');
const lines = files.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index, all) => ({
      where: `${file}:${index + 1}`,
      text,
      next: all.slice(index + 1, index + 3),
    })),
);
const matching = (pattern: RegExp) => lines.filter(({ text }) => pattern.test(text));

it('every action is named by a commit, and its version beside it', () => {
  const used = matching(/\buses: (?!\.\/)/);
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter(({ text }) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(text))).toEqual([]);
});

it('one action has one version everywhere', () => {
  const versions = matching(/\buses: (?!\.\/)/).map(({ text }) => /uses: (\S+)@(.*)/.exec(text)!.slice(1));
  expect(new Set(versions.map(String)).size).toBe(new Set(versions.map(([name]) => name)).size);
});

it('no checkout leaves a token behind', () => {
  const left = matching(/uses: actions\/checkout@/).filter(
    ({ next }) => !next.some((text) => text.includes('persist-credentials: false')),
  );
  expect(left).toEqual([]);
});

it('no command is made of what somebody else has written', () => {
  expect(matching(/\brun:.*\$\{\{/)).toEqual([]);
});

it('rights are those to read, but for the release, which the forge vouches for', () => {
  expect(matching(/^\s+[\w-]+: write\b/).map(({ text }) => text.trim().replace(/ *#.*/, ''))).toEqual([
    'id-token: write',
  ]);
  for (const file of globSync('.github/workflows/*.yml'))
    expect(readFileSync(file, 'utf8')).toContain('\npermissions:\n  contents: read\n');
});
