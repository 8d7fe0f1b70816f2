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
    ['laterPlan'],
    ['begin', 1, 'work'],
    ['step', 1, 30],
    ['pass', 2_000],
    ['step', 1, 30],
    ['step', 0, 30],
  ],
  // Guard: restorePage asks for the lease between reading and writing.
  'a rollback that was frozen, and goes on after a later plan': [
    ['begin', 0, 'work'],
    ['step', 0, 30],
    ['pass', 2_000],
    ['step', 0, 30],
    ['begin', 1, 'roll back'],
    ['step', 1, 2],
    ['freeze', 1],
    ['rollBack'],
    ['laterPlan'],
    ['begin', 0, 'work'],
    ['step', 0, 30],
    ['pass', 2_000],
    ['step', 0, 30],
    ['thaw', 1],
    ['step', 1, 30],
  ],
  // Guard: a task whose node is being rolled back alone is in no other hands.
  'a node that is rolled back alone and waits, while a batch claims': [
    ['begin', 1, 'work'],
    ['step', 1, 1],
    ['embedOld', 'one'],
    ['begin', 0, 'one'],
    ['step', 1, 30],
    ['step', 0, 1],
    ['pass', 31_000],
    ['embedNew', 'one'],
    ['step', 0, 1],
    ['begin', 0, 'work'],
    ['embedNew', 'one'],
  ],
  // Guard: the sweep puts completed tasks back to work.
  'a node that was made again since it was written': [
    ['begin', 0, 'work'],
    ['step', 0, 6],
    ['recreate', 'one'],
    ['pass', 2_000],
    ['step', 0, 3],
    ['step', 0, 30],
  ],
  // Guard: backUp replaces no backup by what carries the target's stamp.
  'a text that was changed under the vector of the plan': [
    ['laterPlan'],
    ['begin', 1, 'work'],
    ['step', 1, 1],
    ['recreate', 'one'],
    ['step', 1, 30],
    ['editText', 'two'],
    ['pass', 2_000],
    ['step', 1, 30],
    ['rollBack'],
    ['begin', 0, 'work'],
  ],
  // Guard: takeNode ends the lease that holds the node, once it has waited for it.
  'a node that is rolled back alone while a batch has it in hand': [
    ['begin', 1, 'work'],
    ['pass', 31_000],
    ['step', 1, 4],
    ['rollNodeBack', 'one'],
    ['step', 0, 30],
    ['begin', 0, 'one'],
    ['begin', 0, 'work'],
    ['rollBack'],
  ],
};
