import {
  type EmbeddingInfo,
  type NodeWrite,
  RegistryError,
  vectorBytes,
  type WriteOutcome,
} from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { currentHash, fenceOf, type Layout, nodesInList, type SqlValue } from './layout.ts';
import type { Stamps } from './stamps.ts';
import { withFences } from './state.ts';

/** All writes in one transaction; each only where its fence still holds. Inside a transaction. */
export function writeNodes(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  writes: readonly NodeWrite[],
): WriteOutcome[] {
  const statements = statementsOf(database, layout);
  const outcomes = withFences(database, layout, writes.length, (first) =>
    writes.map((write, index) => writeNode(statements, stamps, write, first + index)),
  );
  const replaced = writes.filter(({ set }, index) => set !== undefined && outcomes[index] === 'written');
  learnHashes(
    database,
    layout,
    replaced.map(({ nodeId }) => nodeId),
  );
  return outcomes;
}

/**
 * A content hash that another program's edit made unknown is known again after the write. Apart from the
 * write itself: SQLite saves every page that a statement touches which calls a function.
 */
function learnHashes(database: SqliteDatabase, layout: Layout, ids: readonly string[]): void {
  const { heads, key, contentHash } = layout;
  database
    .sql(
      `UPDATE ${heads} AS h SET ${contentHash} = ${currentHash(layout)}
       WHERE ${contentHash} IS NULL AND ${key} IN (SELECT h.${key} FROM ${nodesInList(layout)})`,
    )
    .run(JSON.stringify(ids));
}

/** Looked up once for all writes: their texts are long. */
function statementsOf(database: SqliteDatabase, layout: Layout) {
  const { heads, bodies, revision, embeddedHash, datatype, vector, stampColumns } = layout;
  const where = `WHERE ${layout.headHasId} AND ${fenceOf(layout)} = ?`;
  const columns = [revision, embeddedHash, datatype, vector, ...stampColumns];
  return {
    replace: database.sql(
      `UPDATE ${heads} SET ${columns.map((column) => `${column} = ?`).join(', ')} ${where}`,
    ),
    renew: database.sql(`UPDATE ${heads} SET ${revision} = ? ${where}`),
    find: database.sql(`SELECT 1 FROM ${bodies} WHERE ${layout.bodyHasId}`),
  };
}

function writeNode(
  { replace, renew, find }: ReturnType<typeof statementsOf>,
  stamps: Stamps,
  write: NodeWrite,
  revision: number,
): WriteOutcome {
  const { nodeId } = write;
  const number = Number(write.fence);
  // A text that we never handed out fits no node.
  const fence = String(number) === write.fence ? number : -1;
  const { changes } =
    write.set === undefined
      ? renew.run(revision, nodeId, fence)
      : replace.run(revision, ...newValues(stamps, write), nodeId, fence);
  if (changes === 1) return 'written';
  return find.get(nodeId) === undefined ? 'missing' : 'conflict';
}

/** Embedded hash, datatype, vector and stamp. */
function newValues(stamps: Stamps, write: NodeWrite): SqlValue[] {
  const { nodeId, restore } = write;
  const {
    vector,
    embeddedHash,
    embeddingModelId,
    embeddingVersion,
    embeddingChecksum = '',
  } = write.set ?? {};
  const info: EmbeddingInfo | undefined =
    embeddingModelId === undefined || embeddingVersion === undefined
      ? undefined
      : { embeddingModelId, embeddingVersion, embeddingChecksum };
  if (info !== undefined && !restore) {
    if (vector === undefined)
      throw new RegistryError(
        'VECTOR_INVALID',
        `The write of node ${JSON.stringify(nodeId)} has a stamp and no vector; a node without a vector carries no stamp.`,
      );
    stamps.check(nodeId, vector, info);
  }
  return [
    embeddedHash ?? null,
    vector === undefined ? null : vector instanceof Uint8Array ? 'bit' : 'float32',
    vector === undefined ? null : vectorBytes(vector),
    ...stamps.valuesOf(info),
  ];
}
