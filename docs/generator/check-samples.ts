/** Every TypeScript sample compiles under `--strict`: Node runs them without looking at their types. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samplesOf } from '../../test/docs/samples.ts';

const docs = join(import.meta.dirname, '..');
const workspace = join(docs, '..');
// Inside the workspace, so that the samples find the packages; never committed.
const folder = join(docs, 'dist', 'samples');

rmSync(folder, { recursive: true, force: true });
for (const page of globSync(['*.md', 'guides/*.md'], { cwd: docs })) {
  const { samples, program } = samplesOf(readFileSync(join(docs, page), 'utf8'));
  const place = join(folder, page.replace(/\.md$/, ''));
  mkdirSync(place, { recursive: true });
  for (const sample of samples)
    if (sample.kind === 'file') writeFileSync(join(place, sample.name), sample.text);
  if (program !== '') writeFileSync(join(place, 'program.ts'), program);
}
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
const options = { extends: join(workspace, 'tsconfig.base.json'), include: ['**/*.ts'] };
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
const compiler = join(workspace, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' });
