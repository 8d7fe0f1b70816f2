/**
 * The methods of the registry whose commits are on disk only with the next one of another kind. What a loss of power
 * takes back with them is done anew; no write of a node stands on it.
 */
export const unsynced: readonly string[] = [
  'addTasks',
  'claim',
  'renew',
  'release',
  'endLease',
  'settle',
  'settleRollback',
  'beat',
  'dropWorker',
];
