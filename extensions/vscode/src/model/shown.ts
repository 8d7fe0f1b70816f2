/** Controls, escape codes, marks that turn the direction of text around, and halves of characters. */
const harmful = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
const LONGEST = 500;

/**
 * Text of any origin as one line that can only be read: `\u202e` stands for a mark that would turn around what
 * follows it, and … for what is cut off.
 */
export function shown(text: string, longest = LONGEST): string {
  const line = text.replaceAll(/\s*[\r\n\t]\s*/g, ' ').replaceAll(harmful, escaped);
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
