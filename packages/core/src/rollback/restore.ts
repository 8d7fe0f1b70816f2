/**
 * Puts backups back, node by node, by the stamp that stands on the node: at the target's stamp with the
 * content that was backed up, the backup is written; with other content it is a conflict and left alone; off
 * the target only the fence is renewed, which voids a write that is still in flight.
 */
import { sameStamp } from '../model/compatibility.ts';
import type { EmbeddingInfo } from '../model/model-spec.ts';
import { type Vector, vectorBytes } from '../model/vector.ts';
import type { NodeWrite, StoredNode } from '../ports/node-store.ts';
import type { BackedUpNode, NodeBackup, RollbackOutcome, RollbackResult } from '../ports/registry-store.ts';
import { inPieces } from '../read-batch.ts';
import type { PlanNodes } from '../side-set.ts';

/** Edits during a restore are met again; a node edited during each of these attempts is reported as a conflict. */
const ATTEMPTS = 10;

const conflictError = {
  code: 'ROLLBACK_CONFLICT',
  message:
    'The content changed since it was embedded with the target; it was left alone. A plan to the previous model embeds it anew.',
} as const;

/** What is to be done with a node: the outcome it would have, and the write that brings it about. */
export function restoration(
  node: StoredNode | undefined,
  backup: NodeBackup,
  target: EmbeddingInfo,
): { readonly outcome: RollbackOutcome; readonly write?: NodeWrite } {
  if (node === undefined) return { outcome: 'skipped' };
  const { id: nodeId, fence } = node;
  if (node.inTransit) return ofTransit(node, backup);
  if (!sameStamp(node, target))
    return { outcome: equalsBackup(node, backup) ? 'restored' : 'skipped', write: { nodeId, fence } };
  if (node.contentHash !== backup.contentHash) return { outcome: 'conflict' };
  return { outcome: 'restored', write: { nodeId, fence, set: before(backup), restore: true } };
}

/** Half a write: the backup is the original, unless the text is another one by now; then it waits for a plan. */
function ofTransit(
  { id: nodeId, fence, contentHash, vector }: StoredNode,
  backup: NodeBackup,
): { readonly outcome: RollbackOutcome; readonly write: NodeWrite } {
  if (contentHash === backup.contentHash)
    return { outcome: 'restored', write: { nodeId, fence, set: before(backup), restore: true } };
  const set = vector === undefined ? {} : { vector };
  return { outcome: 'conflict', write: { nodeId, fence, set, restore: true } };
}

/** What the write sets: what the backup says and nothing else, absent values included. */
function before(backup: NodeBackup): NonNullable<NodeWrite['set']> {
  const { vector, embeddedHash, embeddingModelId, embeddingVersion, embeddingChecksum } = backup;
  return {
    ...(vector !== undefined && { vector }),
    ...(embeddedHash !== undefined && { embeddedHash }),
    ...(embeddingModelId !== undefined && { embeddingModelId }),
    ...(embeddingVersion !== undefined && { embeddingVersion }),
    ...(embeddingChecksum !== undefined && { embeddingChecksum }),
  };
}

/** What a restore works with. */
export interface Restore {
  readonly store: PlanNodes;
  readonly target: EmbeddingInfo;
  /**
   * Says whether the lease is still ours. Asked between reading nodes and writing them: who was frozen before
   * it reads what a later plan wrote, and would put that back; who is frozen after it meets another fence.
   */
  readonly isOurs: () => Promise<boolean>;
}

/** Restores a page of backups; each result tells what stands on the node now. Undefined: the lease is lost. */
export async function restorePage(
  restore: Restore,
  backups: readonly BackedUpNode[],
): Promise<RollbackResult[] | undefined> {
  const results = new Map<string, RollbackResult>();
  let open = backups;
  for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
    const changed: BackedUpNode[] = [];
    const byId = new Map(open.map((backup) => [backup.nodeId, backup]));
    for await (const { ids, nodes } of inPieces(restore.store, [...byId.keys()])) {
      const piece = ids.map((id) => byId.get(id)!);
      const again = await restoreOnce(restore, piece, nodes, results);
      if (again === undefined) return undefined;
      changed.push(...again);
    }
    open = changed;
  }
  for (const { nodeId } of open) results.set(nodeId, { nodeId, outcome: 'conflict', error: conflictError });
  return [...results.values()];
}

/** Answers the backups whose node changed between read and write; undefined once the lease is lost. */
async function restoreOnce(
  { store, target, isOurs }: Restore,
  backups: readonly BackedUpNode[],
  nodes: ReadonlyMap<string, StoredNode>,
  results: Map<string, RollbackResult>,
): Promise<BackedUpNode[] | undefined> {
  const writing: { backup: BackedUpNode; outcome: RollbackOutcome; write: NodeWrite }[] = [];
  for (const backup of backups) {
    const { nodeId: id, ...kept } = backup;
    const { outcome, write } = restoration(nodes.get(id), kept, target);
    if (write === undefined) results.set(id, resultOf(id, outcome));
    else writing.push({ backup, outcome, write });
  }
  if (!(await isOurs())) return undefined;
  const outcomes = writing.length === 0 ? [] : await store.write(writing.map(({ write }) => write));
  const changed: BackedUpNode[] = [];
  for (const [index, { backup, outcome }] of writing.entries()) {
    if (outcomes[index] === 'conflict') changed.push(backup);
    else
      results.set(
        backup.nodeId,
        resultOf(backup.nodeId, outcomes[index] === 'missing' ? 'skipped' : outcome),
      );
  }
  return changed;
}

function resultOf(nodeId: string, outcome: RollbackOutcome): RollbackResult {
  return { nodeId, outcome, ...(outcome === 'conflict' && { error: conflictError }) };
}

function equalsBackup(node: StoredNode, backup: NodeBackup): boolean {
  return (
    sameStamp(node, backup) &&
    node.embeddedHash === backup.embeddedHash &&
    sameBytes(node.vector, backup.vector)
  );
}

function sameBytes(a: Vector | undefined, b: Vector | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return false;
  const right = vectorBytes(b);
  return vectorBytes(a).every((byte, index) => byte === right[index]);
}
