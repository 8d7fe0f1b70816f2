import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../node_modules/.pnpm', import.meta.url));

/** Different sections of at least 80 characters, cut at headings, of the README files of what is installed. */
export function readmeSections(): string[] {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    .filter((file) => /readme[^/\\]*\.md$/i.test(file))
    .sort();
  const sections = files.flatMap((file) =>
    readFileSync(join(installed, file), 'utf8').split(/^(?=#{1,6} )/m),
  );
  return [...new Set(sections.map((section) => section.trim()))].filter(({ length }) => length >= 80);
}
