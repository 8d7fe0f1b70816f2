/**
 * Who looks on: triggers in both files write down each change in the transaction that makes it, so that the
 * whole history can be judged and not only its end. They were never asked by the engine, and never ask it.
 */
import { contentHash, type StoredNode, vectorOfBytes } from '@registry/core';
import Database from 'better-sqlite3';
import { stateOf } from '../crash/node-states.ts';

const columns = 'id, revision, stamp, embedded_hash, datatype, vector';
const values = columns
  .split(', ')
  .map((column) => `NEW.${column}`)
  .join(', ');
const content = '(SELECT content FROM nodes WHERE node = NEW.node)';

const ofNodes = `
CREATE TABLE chaos_history (entry INTEGER PRIMARY KEY, ${columns}, content, is_there INTEGER DEFAULT 1);
CREATE TRIGGER chaos_inserted AFTER INSERT ON nodes_embeddings BEGIN
  INSERT INTO chaos_history (${columns}, content) VALUES (${values}, ${content}); END;
CREATE TRIGGER chaos_updated AFTER UPDATE OF ${columns} ON nodes_embeddings BEGIN
  INSERT INTO chaos_history (${columns}, content) VALUES (${values}, ${content}); END;
CREATE TRIGGER chaos_deleted AFTER DELETE ON nodes_embeddings BEGIN
  INSERT INTO chaos_history (id, revision, is_there) VALUES (OLD.id, OLD.revision, 0); END;`;

const ofTasks = `
CREATE TABLE chaos_tasks (entry INTEGER PRIMARY KEY, plan, node_id, was, became, requeues);
CREATE TRIGGER chaos_moved AFTER UPDATE OF state ON tasks WHEN NEW.state <> OLD.state BEGIN
  INSERT INTO chaos_tasks (plan, node_id, was, became, requeues)
  VALUES (NEW.plan, NEW.node_id, OLD.state, NEW.state, NEW.requeues); END;`;

/** Sets the observers up in both files. */
export function observe(nodesPath: string, registryPath: string): void {
  for (const [path, sql] of [
    [nodesPath, ofNodes],
    [registryPath, ofTasks],
  ] as const) {
    const db = new Database(path);
    db.exec(sql);
    db.close();
  }
}

interface Row {
  entry: number;
  id: string;
  revision: number;
  embedding_model_id: string | null;
  embedding_version: number | null;
  embedding_checksum: string | null;
  embedded_hash: string | null;
  datatype: 'float32' | 'bit' | null;
  vector: Buffer | null;
  content: string | null;
  is_there: 0 | 1;
}

/** A node as it was from one change to the next. */
export interface Entry {
  readonly number: number;
  readonly id: string;
  readonly revision: number;
  readonly content: string;
  /** Without its fence. Absent where the node was gone. */
  readonly node?: Omit<StoredNode, 'fence'>;
  /** Vector, stamp and the text it was made from, comparable. */
  readonly vectorState: string;
}

function entryOf(row: Row): Entry {
  const { entry: number, id, revision } = row;
  if (!row.is_there) return { number, id, revision, content: '', vectorState: 'gone' };
  const { embedding_model_id, embedding_version, embedding_checksum, embedded_hash, datatype, vector } = row;
  const text = row.content ?? '';
  const node = {
    id,
    content: text,
    contentHash: contentHash(text),
    ...(embedded_hash !== null && { embeddedHash: embedded_hash }),
    ...(embedding_model_id !== null &&
      embedding_version !== null && {
        embeddingModelId: embedding_model_id,
        embeddingVersion: embedding_version,
        embeddingChecksum: embedding_checksum ?? '',
      }),
    ...(vector !== null && datatype !== null && { vector: vectorOfBytes(vector, datatype) }),
  };
  return { number, id, revision, content: text, node, vectorState: stateOf({ ...node, contentHash: '' }) };
}

/** The entries after this number, in the order of the changes. */
export function entriesAfter(nodes: Database.Database, number: number): Entry[] {
  const rows = nodes
    .prepare(
      `SELECT h.*, s.embedding_model_id, s.embedding_version, s.embedding_checksum FROM chaos_history h
       LEFT JOIN nodes_embedding_stamps s ON s.stamp = h.stamp WHERE h.entry > ? ORDER BY h.entry`,
    )
    .all(number) as Row[];
  return rows.map(entryOf);
}
