import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Section {
  readonly file: string;
  readonly text: string;
}

/** `count` sections of the README files below a folder, spread evenly over them, each text once. */
export function readmeSections(folder: string, count: number): Section[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /readme[^/\\]*\.md$/i.test(file))
    .sort();
  const seen = new Set<string>();
  const sections: Section[] = [];
  for (const file of files) {
    for (const part of readFileSync(join(folder, file), 'utf8').split(/^(?=#{1,6} )/m)) {
      const text = part.trim();
      if (text.length < 80 || seen.has(text)) continue;
      seen.add(text);
      sections.push({ file, text });
    }
  }
  const stride = Math.max(1, sections.length / count);
  return Array.from(
    { length: Math.min(count, sections.length) },
    (_, index) => sections[Math.floor(index * stride)]!,
  );
}
