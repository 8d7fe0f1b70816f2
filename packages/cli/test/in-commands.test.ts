import { expect, it } from 'vitest';
import { namesMethods, sentencesNamingMethods } from '../../../test/library-sentences.ts';
import { inCommands } from '../src/screen/in-commands.ts';

it('every sentence of the library that names its methods has words of the command line', () => {
  const spoken = sentencesNamingMethods();
  expect(spoken.length).toBeGreaterThan(5);
  expect(spoken.map((text) => inCommands(text)).filter(namesMethods)).toEqual([]);
});

it('names the plan it speaks of', () => {
  const message = '2 of 5 nodes failed; see listTasks with status failed, mend the cause, then retryFailed.';
  expect(inCommands(message, '3f2a91c0-1111-2222-3333-444444444444')).toBe(
    '2 of 5 nodes failed; see evr tasks 3f2a91c0 --status failed, mend the cause, then evr retry 3f2a91c0.',
  );
});
