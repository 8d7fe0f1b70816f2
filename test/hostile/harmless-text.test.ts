/** One rule of what can be shown of a text, and that everything which shows texts keeps to it. */
import { harmlessLines, harmlessText } from '@registry/core/harmless-text';
import { describe, expect, it } from 'vitest';
import { shown } from '../../extensions/vscode/src/model/shown.ts';
import { harmless, harmlessJson } from '../../packages/cli/src/screen/text.ts';
import { markup } from '../../packages/core/src/report/markup.ts';
import { failureOf } from '../../packages/qdrant/src/server/failure.ts';
import { harmful } from './forgeries.ts';

const harm = [
  ['an escape code', '\u001b[2J', '\\u001b[2J'],
  ['the same as one character', '\u009b31m', '\\u009b31m'],
  ['nothing', 'a\u0000b', 'a\\u0000b'],
  ['a deletion', 'a\u007fb', 'a\\u007fb'],
  ['an override of direction', 'invoice\u202efdp.exe', 'invoice\\u202efdp.exe'],
  ['an isolate', '\u2066a\u2069', '\\u2066a\\u2069'],
  ['marks of direction', '\u200ea\u200f\u061c', '\\u200ea\\u200f\\u061c'],
  ['a space without width', 'gpt\u200b-4', 'gpt\\u200b-4'],
  ['a joiner of words', 'gpt\u2060-4', 'gpt\\u2060-4'],
  ['a byte order mark', '\ufeffgpt', '\\ufeffgpt'],
  ['a soft hyphen', 'g\u00adpt', 'g\\u00adpt'],
  ['a joiner between letters that need none', 'g\u200dpt', 'g\\u200dpt'],
  ['a letter without width', 'gpt\u3164', 'gpt\\u3164'],
  ['a second variant of the same sign', '❤\ufe0f\ufe0f', '❤\ufe0f\\ufe0f'],
  ['a variant of no sign', 'a\ufe0f', 'a\\ufe0f'],
  ['text in tags', 'a\u{e0068}\u{e0069}', 'a\\udb40\\udc68\\udb40\\udc69'],
  ['a line', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['half a character', 'half \ud83d of it', 'half \\ud83d of it'],
  ['no character', '\uffff\ufffe', '\\uffff\\ufffe'],
] as const;

describe.each(harm)('%s', (_, text, said) => {
  it('is told and not done, wherever a text is shown', () => {
    const refused = failureOf({ status: 400, data: { status: { error: text } } }, 'upsert', undefined).error;
    expect([harmlessText(text), harmless(text), shown(text), markup`${text}`.text]).toEqual(
      Array(4).fill(said),
    );
    expect(refused.message).not.toMatch(harmful);
    expect(harmlessJson([text])).not.toMatch(harmful);
    expect(JSON.parse(harmlessJson([text]))).toEqual([text]);
  });
});

it.each([
  ['emoji of several people', '👩‍👩‍👧 👩🏽‍🚀 🏳️‍🌈'],
  ['emoji in colour, keys and flags', '❤️ 1️⃣ 🇩🇪 🏴‍☠️'],
  ['Persian', 'می‌خواهم'],
  ['Hindi and Bengali', 'क्‍ष র‍্য'],
  ['Sinhala', 'ශ්‍රී'],
  ['Hebrew and Arabic', 'שלום مرحبا'],
  ['a variant of an ideograph', '葛󠄀城市'],
  ['accents in pieces', 'nai\u0308ve'],
])('%s stay as they are', (_, text) => {
  expect(harmlessText(text)).toBe(text);
});

it('a text of several lines keeps them, and nothing else', () => {
  expect(harmlessLines('a\n\u001b[2Jb\r\nc')).toBe('a\n\\u001b[2Jb\\u000d\nc');
});

describe('a text without end', () => {
  const endless = '\u001b👩'.repeat(1_000) + 'x'.repeat(20_000_000);

  it.each([
    ['in a terminal', harmless],
    ['on a page of a report', (text: string) => markup`${text}`.text],
  ])('is cut %s, which says so', (_, show) => {
    const line = show(endless);
    expect(line.length).toBeLessThan(7_000);
    expect(line).toMatch(/… \(2000100\d more characters\)$/);
    expect(line).not.toMatch(harmful);
    expect(line.isWellFormed()).toBe(true);
  });

  it('is cut in the editor', () => {
    expect(shown(endless)).toHaveLength(500);
    expect(shown(endless)).toMatch(/…$/);
  });

  it('is whole for programs', () => {
    expect(JSON.parse(harmlessJson(endless))).toBe(endless);
  });
});
