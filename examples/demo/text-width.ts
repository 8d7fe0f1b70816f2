/** How many columns a text takes on a terminal. East Asian characters take two, marks of their own none. */
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function columnsOf(grapheme: string): number {
  if (/^\p{M}+$/u.test(grapheme)) return 0;
  return wide.test(grapheme) || grapheme.codePointAt(0)! > 0xffff ? 2 : 1;
}

function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += columnsOf(segment);
  return width;
}

/** At most that many columns, with … where something was cut off. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Exactly that many columns; a negative number aligns to the right. */
export function fit(text: string, columns: number): string {
  const clipped = clip(text, Math.abs(columns));
  const space = ' '.repeat(Math.abs(columns) - widthOf(clipped));
  return columns < 0 ? space + clipped : clipped + space;
}
