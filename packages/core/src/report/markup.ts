import { harmlessLines } from '../harmless-text.ts';

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

/** Of one value a page shows so much; the report as JSON has all of it. */
const LONGEST = 2_000;

function escaped(text: string): string {
  return harmlessLines(text, LONGEST).replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
