/** Registry files as somebody might hand them out who means harm. */
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EmbedderError, EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { embeddedNodes } from '../scene.ts';

/** Clears a screen, writes to the clipboard, hides a link, turns text around, breaks lines, opens tags and formulas. */
export const hostile =
  "=cmd|' /C calc'!A1<img src=x onerror=alert(1)>\u001b[2J\u001b]52;c;ZXZpbA==\u0007\u001b]8;;http://evil\u001b\\\u009b31m\u202egpj.exe\u200b\ufeff\u{e0041}\r\n\u2028\u0000end";

/** What must reach no terminal and no page as it is; of the escape codes, those of colours are our own. */
export const harmful =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

/** A registry at rest with a plan that failed in part, backups, a journal and a worker. */
export async function restingRegistry(folder: string): Promise<{ path: string; planId: string }> {
  const path = join(folder, 'resting.sqlite');
  const old = testEmbedder({ modelId: 'old-model', dimension: 8 });
  const target = testEmbedder({
    modelId: 'new-model',
    dimension: 12,
    onCall: (texts) => {
      if (texts.some((text) => text.includes('number 3.'))) throw new EmbedderError('refused', 'Not this.');
    },
  });
  await using nodeStore = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  await using manager = await EmbeddingVersionManager.open({
    dbPath: path,
    nodeStore,
    embedders: [old, target],
  });
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  await nodeStore.upsert(embeddedNodes(old.spec, 6));
  const { planId } = await manager.createMigration({
    targetModelId: target.spec.modelId,
    targetVersion: 1,
    maxRetries: 0,
  });
  await manager.runMigration(planId);
  await manager.close();
  forge(path, "INSERT INTO workers (worker, host, pid, started, heartbeat) VALUES ('w', 'h', 1, 1, 4e15)");
  return { path, planId };
}

/** Runs SQL on a copy beside the file that keeps to no rule, and leaves it at rest. */
export function forged(from: string, sql: string): string {
  const path = join(dirname(from), `forged-${++copies}.sqlite`);
  copyFileSync(from, path);
  forge(path, sql);
  return path;
}
let copies = 0;

function forge(path: string, sql: string): void {
  const raw = new Database(path);
  raw.function('hostile', () => hostile);
  raw.unsafeMode(true);
  raw.pragma('ignore_check_constraints = ON');
  raw.pragma('foreign_keys = OFF');
  raw.pragma('legacy_alter_table = ON');
  raw.pragma('writable_schema = ON');
  raw.exec(sql);
  raw.pragma('journal_mode = DELETE');
  raw.close();
}
