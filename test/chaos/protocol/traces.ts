import type { Command } from './commands.ts';

/** Told by what had to be mended, or by the guard without which they fail. */
export const traces: Readonly<Record<string, readonly Command[]>> = {
  // Guard: #claimNext naps no longer than until its next look, whatever the clock says since.
  'a clock that is set back between two looks at the plan': [
    ['begin', 1, 'work'],
    ['step', 1, 1],
    ['begin', 0, 'work'],
    ['setClock', -3_600_000],
    ['step', 0, 1],
    ['freeze', 0],
    ['rollBack'],
    ['step', 0, 1],
    ['step', 0, 30],
  ],
  // Guard: rollBackPlan walks the backups.
  'written, and never settled before the rollback': [['begin', 0, 'work'], ['step', 0, 4], ['rollBack']],
  // Guard: restoration() renews the fence of a node that is back already.
  'a write that is under way while the plan is rolled back': [
    ['begin', 0, 'work'],
    ['step', 0, 3],
    ['rollBack'],
    ['step', 0, 1],
  ],
  // Guard: backUp answers false once the lease is gone.
  'a batch that is backed up after its node was rolled back alone': [
    ['begin', 0, 'work'],
    ['laterPlan'],
    ['embedNew', 'one'],
    ['rollNodeBack', 'three'],
    ['step', 0, 2],
  ],
  // Guard: restoration() compares the contents.
  'a text that the application embedded with the target since': [
    ['begin', 0, 'work'],
    ['step', 0, 30],
    ['embedNew', 'one'],
    ['rollBack'],
  ],
  // Guard: backUp replaces what was read off the target.
  'a node that was written again since it was backed up': [
    ['begin', 0, 'work'],
    ['step', 0, 3],
    ['embedOld', 'one'],
    ['step', 0, 30],
  ],
  // Guard: a write of the same bytes makes a new fence.
  'a rollback that ends between two steps of a batch': [
    ['begin', 0, 'work'],
    ['step', 0, 2],
    ['setClock', -3_600_000],
    ['step', 0, 1],
  ],
  // Guard: sealPlan ends what is left in hand of plans that have ended.
  'a batch of a cancelled plan beside a later one': [
    ['begin', 0, 'work'],
    ['step', 0, 2],
    ['laterPlan'],
    ['step', 0, 2],
    ['begin', 1, 'work'],
    ['step', 1, 30],
  ],
};
