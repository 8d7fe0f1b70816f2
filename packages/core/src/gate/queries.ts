/** Queries made of contents: the node a query is made of is the answer to it. */
import { type Chance, drawIndex } from '../chance.ts';

const WORDS = 12;
const LETTERS = 60;
const hasToken = /[\p{L}\p{N}]/u;

/**
 * The first words of a text and some from its second half, at most twelve and at most half of it; undefined where
 * the text has too little for that. Scripts that put no space between words are cut by characters.
 */
export function queriesOf(
  content: string,
  chance: Chance,
): { readonly beginning?: string; readonly passage?: string } {
  const words = content.match(/\S+/gu) ?? [];
  const isSpaced = words.length >= 4;
  const units = isSpaced ? words : [...words.join(' ')];
  const size = Math.min(isSpaced ? WORDS : LETTERS, Math.floor(units.length / 2));
  if (size === 0) return {};
  const half = Math.ceil(units.length / 2);
  const start = half + drawIndex(chance, units.length - half - size + 1);
  const text = (from: number) =>
    units
      .slice(from, from + size)
      .join(isSpaced ? ' ' : '')
      .trim();
  const [beginning, passage] = [text(0), text(start)];
  return {
    ...(hasToken.test(beginning) && { beginning }),
    ...(hasToken.test(passage) && { passage }),
  };
}

/** The text without its last quarter; undefined where that would not take a word off, or leave none. */
export function withoutEnd(content: string): string | undefined {
  const kept = content.slice(0, Math.floor(content.length * 0.75)).toWellFormed();
  const end = content.slice(kept.length);
  return hasToken.test(kept) && /[\p{L}\p{N}].*[\p{L}\p{N}]/su.test(end) ? kept : undefined;
}
