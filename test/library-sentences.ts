/** Sentences of the library that name its methods or options: each front end has words of its own for them. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';

const folder = resolve(import.meta.dirname, '../packages/core/src');
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
  'overrideGate',
  'sliceBy',
];
const words = new RegExp(`\\b(?:${[...methods, ...options].join('|')})\\b|\\bpass \\w+ to open\\b`);

/** Whether a sentence speaks to somebody who calls methods. */
export const namesMethods = (text: string) => words.test(text);

/**
 * Those that core tells people: texts of several words in its source, without what stands in comments.
 * @param besides patterns of files whose sentences a front end does not show
 */
export function sentencesNamingMethods(...besides: readonly string[]): readonly string[] {
  return globSync('**/*.ts', { cwd: folder, exclude: ['testing/**', 'errors.ts', ...besides] })
    .flatMap((file) =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\/?\*|\/\/)/.test(line))
        .flatMap((line) => line.match(/`[^`]* [^`]* [^`]*`|'(?:[^'\\]|\\.)* [^']* [^']*'/g) ?? [])
        // The name under which options are checked says which call they were of.
        .filter((text) => !text.includes("'options of ")),
    )
    .filter(namesMethods);
}
