import { harmlessText } from '@registry/core/harmless-text';
import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Of one line or cell so much is printed for people; `--json` has all of it. */
const LONGEST = 2_000;

/** Text of any origin as one line that a terminal only shows: `\u001b` stands for an escape code. */
export function harmless(text: string): string {
  return harmlessText(text, LONGEST);
}

/** The same value as JSON that a terminal only shows. */
export function harmlessJson(value: unknown): string {
  return harmlessText(JSON.stringify(value));
}

/** Columns on a terminal: two for East Asian characters and emoji, none for colours. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** At most that many columns, with … where something was cut off. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

/** Exactly that many columns. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const clipped = clip(text, columns);
  const space = ' '.repeat(Math.max(0, columns - widthOf(clipped)));
  return align === 'right' ? space + clipped : clipped + space;
}

/** Broken at words into lines of at most that many columns; a longer word gets lines of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((long) => pieces(long, columns))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= columns) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function pieces(word: string, columns: number): string[] {
  if (widthOf(word) <= columns) return [word];
  const found: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (widthOf(piece + segment) > columns) {
      found.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...found, piece];
}
