import { expect, test } from 'vitest';
import { quotesContent } from '../src/index.ts';

test.each([
  ['the whole of a short text', 'input "secret" is not valid', ['secret'], true],
  [
    '16 characters of a longer text',
    'near: the backups of a plan',
    ['Restore the backups of a plan now'],
    true,
  ],
  ['15 characters of a longer text', 'near:backups of a pl?', ['Restore the backups of a plan now'], false],
  ['a text of up to three letters, which any sentence may hold', 'the model is not known', ['the'], false],
  ['nothing', 'the server is overloaded', ['another text altogether', ''], false],
])('a message is searched for content: %s', (_, message, texts, expected) => {
  expect(quotesContent(message, texts)).toBe(expected);
});
