import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { expect, it } from 'vitest';
import { inCommands } from '../src/screen/in-commands.ts';

const folder = resolve(import.meta.dirname, '../../core/src');
const methods = Object.getOwnPropertyNames(EmbeddingVersionManager.prototype).filter((name) =>
  /[a-z][A-Z]/.test(name),
);
const options = [
  'migrateExisting',
  'acceptFailed',
  'acceptBehind',
  'allowLowerVersion',
  'laterWrites',
  'setActive',
  'sampleSize',
];
const words = new RegExp(`\\b(?:${[...methods, ...options].join('|')})\\b|\\bpass \\w+ to open\\b`);

/** Sentences that core tells people: texts of several words in its source, without what stands in comments. */
function sentences(): readonly string[] {
  return globSync('**/*.ts', { cwd: folder, exclude: ['testing/**', 'errors.ts'] }).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\/?\*|\/\/)/.test(line))
      .flatMap((line) => line.match(/`[^`]* [^`]* [^`]*`|'(?:[^'\\]|\\.)* [^']* [^']*'/g) ?? [])
      // The name under which options are checked says which call they were of.
      .filter((text) => !text.includes("'options of ")),
  );
}

it('every sentence of the library that names its methods has words of the command line', () => {
  const all = sentences();
  const spoken = all.filter((text) => words.test(text));
  expect(spoken.length).toBeGreaterThan(5);
  expect(spoken.map((text) => inCommands(text)).filter((text) => words.test(text))).toEqual([]);
});

it('names the plan it speaks of', () => {
  const message = '2 of 5 nodes failed; see listTasks with status failed, mend the cause, then retryFailed.';
  expect(inCommands(message, '3f2a91c0-1111-2222-3333-444444444444')).toBe(
    '2 of 5 nodes failed; see evr tasks 3f2a91c0 --status failed, mend the cause, then evr retry 3f2a91c0.',
  );
});
