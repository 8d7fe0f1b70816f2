/** Scripts whose letters need marks without width between them to be written right. */
const joining = String.raw`\p{M}\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Nkoo}\p{scx=Beng}\p{scx=Mlym}\p{scx=Sinh}`;

/** What characters without width are for: emoji of several parts and in colour, joined letters, variants of ideographs. */
const needed = [
  String.raw`(?<=[\p{ExtPict}\p{EMod}\ufe0f])\u200d(?=\p{ExtPict})`,
  String.raw`(?<=\p{ExtPict})[\ufe0e\ufe0f]|\ufe0f(?=\u20e3)`,
  String.raw`(?<=[${joining}])[\u200c\u200d](?=[\p{L}\p{M}])`,
  String.raw`(?<=\p{scx=Mong})[\u180b-\u180d\u180f]`,
  String.raw`(?<=\p{scx=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}]`,
].join('|');

/**
 * Control characters and with them escape codes, line breaks, halves of characters and what is no character; marks
 * that turn the direction of text around, and all that has no width, tags included, unless it is needed.
 */
const harmful = new RegExp(
  String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{NChar}\ufff9-\ufffb]|(?!${needed})\p{DI}`,
  'gu',
);

const escaped = (character: string) =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/**
 * Text of any origin as one line that can only be read: whatever would move a cursor, hide, turn text around or make it
 * pass for another stands there as `\u202e`, which JSON takes for the same character. Where it has more than `longest`
 * UTF-16 units, the end of the line says how many are not shown.
 */
export function harmlessText(text: string, longest = Number.POSITIVE_INFINITY): string {
  if (text.length <= longest) return text.replaceAll(harmful, escaped);
  const isSplit = /[\ud800-\udbff]/.test(text.charAt(longest - 1));
  const kept = text.slice(0, isSplit ? longest - 1 : longest);
  return `${kept.replaceAll(harmful, escaped)}… (${text.length - kept.length} more characters)`;
}

/** As {@link harmlessText} for texts of several lines. */
export function harmlessLines(text: string, longest?: number): string {
  return text
    .split('\n')
    .map((line) => harmlessText(line, longest))
    .join('\n');
}
