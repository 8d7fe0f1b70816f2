import { expect, it } from 'vitest';
import { namesMethods, sentencesNamingMethods } from '../../../test/library-sentences.ts';
import { inEditorWords } from '../src/model/in-editor-words.ts';

it('every sentence of the library that names its methods has words of the editor', () => {
  expect(
    sentencesNamingMethods()
      .map((text) => inEditorWords(text.slice(1, -1)))
      .filter(namesMethods),
  ).toEqual([]);
});

it.each([
  [
    '2 of 5 nodes failed, most often with X; see listTasks with status failed, mend the cause, then retryFailed.',
    '2 of 5 nodes failed, most often with X; see its failed nodes, mend the cause, then retry them.',
  ],
  [
    'Model m has version 3 already; versions grow, so register 4, or pass allowLowerVersion for 2.',
    'Model m has version 3 already; versions grow, so register 4.',
  ],
])('%s', (said, inEditor) => {
  expect(inEditorWords(said)).toBe(inEditor);
});
