/** The application: it edits, inserts, deletes and makes again, and keeps an account of what was acknowledged. */
import { isRegistryError } from '@registry/core';
import Database from 'better-sqlite3';
import type { ModelName } from '../../crash/models.ts';
import { AccountWriter } from '../account.ts';
import { Chance } from '../chance.ts';
import { Changes } from '../changes.ts';
import { accountPath, clockPath, lookAt, nodesPath, openNodes } from '../ground.ts';
import { steeredClock } from '../steered-clock.ts';
import { optionsOf, tell } from './voice.ts';

export interface ApplicationOptions {
  readonly folder: string;
  readonly seed: number;
  /** A node is changed this often at most: whoever changes it in every sweep is told that it keeps reverting. */
  readonly touches: number;
  /** Since this change. */
  readonly since: number;
  /** Models that new texts are embedded with. */
  readonly embedsWith: readonly ModelName[];
  /** Pause after a change at most. */
  readonly pauseMs: number;
}

const options = optionsOf<ApplicationOptions>();
const { folder } = options;
const chance = new Chance(options.seed);
const clock = steeredClock(clockPath(folder));
const store = await openNodes(folder, clock);
const raw = new Database(nodesPath(folder), { timeout: 2_000 });
raw.pragma('synchronous = FULL');
const log = new AccountWriter(accountPath(folder));
const answer = log.account.resolve((id) => lookAt(raw, id), clock.now());
if (answer !== undefined) log.note(answer);
const changes = new Changes({ store, raw }, log.account, chance, options);

let isResting = false;
process.stdin
  .on('end', () => {
    isResting = true;
  })
  .resume();
tell({ kind: 'ready' });
while (!isResting) {
  await changeSomething(log.account.nextChange);
  await clock.sleep(chance.between(1, options.pauseMs));
}
log.close();
raw.close();
await store.close();

async function changeSomething(change: number): Promise<void> {
  const drawn = changes.draw(change);
  if (drawn === undefined) return;
  const { what, nodes, act } = drawn;
  log.note({ change, what, nodes });
  let done = true;
  try {
    await act();
  } catch (error) {
    if (!isBusy(error)) throw error;
    done = false;
  }
  log.note({ change, done, at: clock.now() });
}

/** Somebody is frozen while it holds the lock. */
function isBusy(error: unknown): boolean {
  return isRegistryError(error, 'DATABASE_LOCKED') || (error as { code?: string }).code === 'SQLITE_BUSY';
}
