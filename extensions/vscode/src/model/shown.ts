import { harmlessText } from '@registry/core/harmless-text';

const LONGEST = 500;

/**
 * Text of any origin as one line that can only be read: `\u202e` stands for a mark that would turn around what
 * follows it, and … for what is cut off.
 */
export function shown(text: string, longest = LONGEST): string {
  // One that has no end is cut first: what is escaped only grows.
  const line = harmlessText(text.slice(0, longest + 1).replaceAll(/\s*[\r\n\t]\s*/g, ' '));
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
