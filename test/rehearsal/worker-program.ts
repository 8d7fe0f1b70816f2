/** The worker of a rehearsal, which notes that it was started, and that it ended by itself if it did. */
import { appendFileSync } from 'node:fs';
import { runRehearsalWorker } from '@registry/core';
import { scratchStore } from '@registry/node-memory';

const [, , notes = '', crash] = process.argv;
appendFileSync(notes, `started ${process.pid}\n`);
process.on('exit', () => appendFileSync(notes, `ended ${process.pid}\n`));
const crashing: typeof scratchStore = async (folder) => {
  const scratch = await scratchStore(folder);
  const { store } = scratch;
  if (crash === 'crash') store.write = () => process.exit(7);
  return scratch;
};
if (crash !== 'deaf') await runRehearsalWorker({ channel: process, scratchStore: crashing });
process.exit();
