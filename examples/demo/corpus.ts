/** Markdown files, cut at their headings into sections that are worth searching. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface Section {
  /** Path of the file and number of the section: the same whenever the file is read. */
  readonly id: string;
  readonly content: string;
  readonly metadata: { readonly file: string; readonly heading: string };
}

export interface Corpus {
  readonly sections: readonly Section[];
  readonly files: number;
}

const LARGEST_FILE_BYTES = 1_000_000;
const LONGEST_SECTION = 1_500;
const FEWEST_WORDS = 8;

/** Each text once, ordered by id; where there are more than `limit`, evenly thinned out. */
export function readCorpus(folder: string, limit: number): Corpus {
  const files = [...markdownFiles(folder)].sort();
  const texts = new Map<string, Section>();
  for (const file of files)
    for (const section of sectionsOf(file, readFileSync(join(folder, file), 'utf8')))
      if (!texts.has(section.content)) texts.set(section.content, section);
  const all = [...texts.values()];
  const step = Math.max(1, all.length / limit);
  const sections = all.filter(
    (_, index) => index === 0 || Math.floor(index / step) !== Math.floor((index - 1) / step),
  );
  return { sections, files: new Set(sections.map(({ id }) => id.slice(0, id.lastIndexOf('#')))).size };
}

/** Paths relative to the folder. Links are not followed: what they lead to lies elsewhere. */
function* markdownFiles(folder: string, below = ''): Generator<string> {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory() && entry.name !== '.git') yield* markdownFiles(folder, path);
    if (!entry.isFile() || !/\.(md|markdown)$/i.test(entry.name)) continue;
    if (statSync(join(folder, path)).size <= LARGEST_FILE_BYTES) yield path;
  }
}

function sectionsOf(path: string, text: string): Section[] {
  const name = path.split(sep).join('/');
  // What stands before the last node_modules is where the package lies, not what it is.
  const file = name.split('node_modules/').at(-1)!;
  return cutAtHeadings(text)
    .flatMap(({ heading, lines }) => bounded(lines.join('\n')).map((content) => ({ heading, content })))
    .filter(({ content }) => (content.match(/[\p{L}\p{N}]{2,}/gu)?.length ?? 0) >= FEWEST_WORDS)
    .map(({ heading, content }, index) => ({
      id: `${name}#${String(index + 1).padStart(3, '0')}`,
      content,
      metadata: { file, heading: plain(heading) || '(beginning)' },
    }));
}

/** A line with # inside a fence of code is a comment, not a heading. */
function cutAtHeadings(text: string): { heading: string; lines: string[] }[] {
  const sections = [{ heading: '', lines: [] as string[] }];
  let fence: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const mark = /^ {0,3}(```|~~~)/.exec(line)?.[1];
    if (mark !== undefined && fence === undefined) fence = mark;
    else if (mark === fence) fence = undefined;
    const heading = fence === undefined ? /^ {0,3}#{1,6}\s+(.+)/.exec(line)?.[1] : undefined;
    if (heading !== undefined) sections.push({ heading, lines: [] });
    sections.at(-1)!.lines.push(line);
  }
  return sections;
}

/** Long sections become several, cut between paragraphs. */
function bounded(text: string): string[] {
  const parts = [''];
  for (const paragraph of text.split(/\n\s*\n/)) {
    const part = parts.at(-1)!;
    const isFull = part !== '' && part.length + paragraph.length > LONGEST_SECTION;
    if (isFull) parts.push(paragraph);
    else parts[parts.length - 1] = part === '' ? paragraph : `${part}\n\n${paragraph}`;
  }
  return parts.map((part) =>
    part
      .trim()
      .slice(0, 2 * LONGEST_SECTION)
      .toWellFormed(),
  );
}

/** A heading without its markup. */
function plain(heading: string): string {
  return heading
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?/g, '$1')
    .replaceAll(/[`*#]|\\(?=[^\w\s])|\p{Extended_Pictographic}|\p{C}/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
