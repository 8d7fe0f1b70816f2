import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeIdsOf } from '../src/node-ids.ts';
import { emptyFolder } from './project.ts';

it('ids are read one a line, also from a file as editors of Windows write it', async () => {
  const path = join(emptyFolder(), 'ids.txt');
  writeFileSync(path, '\ufefffirst\r\n\r\nsecond one\r\nthird');
  const ids: string[] = [];
  for await (const id of nodeIdsOf(path)) ids.push(id);
  expect(ids).toEqual(['first', 'second one', 'third']);
});

it.each(['absent.txt', '.'])('what is no file of ids is refused by its path: %s', async (name) => {
  const path = join(emptyFolder(), name);
  await expect(nodeIdsOf(path).next()).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringContaining(path),
  });
});
