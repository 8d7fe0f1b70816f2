/** Real texts: Markdown of packages that the lockfile pins, so that they are the same everywhere. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCorpus, type Section } from '../../examples/demo/corpus.ts';

const packages = [
  'node_modules/playwright-core',
  'node_modules/@biomejs/biome',
  'node_modules/fast-check',
  'packages/cli/node_modules/commander',
  'packages/cli/node_modules/jiti',
];

/** Sections of guides and READMEs in a dozen languages, each once. */
export function realTexts(): readonly Section[] {
  return packages.flatMap((name) => {
    const folder = realpathSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)));
    return readCorpus(folder, 10_000).sections.map((section) => ({
      ...section,
      id: `${name.split('/').at(-1)}/${section.id}`,
      metadata: { ...section.metadata, package: name.split('/').at(-1)! },
    }));
  });
}
