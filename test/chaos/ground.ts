/** The files of one chaos round, and how its processes open them. */
import { join } from 'node:path';
import type { Clock } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import type Database from 'better-sqlite3';
import { models } from '../crash/models.ts';
import type { Wanted } from './account.ts';

/** As many batches at once as the operator ever allows. */
export const MOST_LANES = 4;

export const nodesPath = (folder: string) => join(folder, 'nodes.sqlite');
export const registryPath = (folder: string) => join(folder, 'registry.sqlite');
export const clockPath = (folder: string) => join(folder, 'clock');
export const accountPath = (folder: string) => join(folder, 'account.jsonl');

export function openNodes(folder: string, clock: Clock): Promise<SqliteNodeStore> {
  return SqliteNodeStore.open({
    path: nodesPath(folder),
    models: Object.values(models),
    sqliteVec: false,
    clock,
  });
}

/** A node by the columns that the application knows. */
export function lookAt(raw: Database.Database, id: string): Wanted {
  const row = raw.prepare('SELECT content, metadata FROM nodes WHERE id = ?').get(id) as
    | { content: string; metadata: string }
    | undefined;
  return row === undefined ? null : { content: row.content, metadata: JSON.parse(row.metadata) as unknown };
}
