/** A piece of a page. {@link markup} makes it of anything; made by hand, its text must be ours. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Markup | undefined | false | readonly Piece[];

/** Joins pieces of a page; every value but a piece made by this same function is escaped. */
export function markup(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(strings.map((string, index) => string + textOf(values[index])).join(''));
}

function textOf(value: Piece): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return escaped(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that a page must not hold, or that would turn the text around them, are shown as what they are. */
const unshowable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/g;

function escaped(text: string): string {
  return showable(text.toWellFormed().replaceAll(/[&<>"']/g, (character) => entities[character]!));
}

/** Such characters as `\u202e`, which is what JSON would have them as too. */
export function showable(text: string): string {
  return text.replaceAll(
    unshowable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
