import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@registry/core';
import { SqliteDatabase } from '@registry/core/sqlite';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adoptedLayout } from '../src/sqlite/adopted-layout.ts';
import { deleteNodes, insertNodes, updateNode } from '../src/sqlite/application.ts';
import { countByStamp } from '../src/sqlite/count.ts';
import { ownLayout } from '../src/sqlite/own-layout.ts';
import { readNodes } from '../src/sqlite/read.ts';
import { scanHeads } from '../src/sqlite/scan.ts';
import { searchNodes } from '../src/sqlite/search.ts';
import { Stamps } from '../src/sqlite/stamps.ts';
import { triggersOf } from '../src/sqlite/triggers.ts';
import { writeNodes } from '../src/sqlite/write.ts';
import { adoptedColumns, makeStore } from './stores.ts';

const count = 100_000;
const old = { embeddingModelId: 'old', embeddingVersion: 1, embeddingChecksum: 'c' };
const target = { embeddingModelId: 'target', embeddingVersion: 1, embeddingChecksum: 'c' };
const vector = new Float32Array(8).fill(1);
const idOf = (index: number) => `node-${String((index * 7919) % count).padStart(6, '0')}`;

/** A connection that keeps the text of every statement it is asked for. */
class RecordingDatabase extends SqliteDatabase {
  readonly texts = new Set<string>();

  override sql(text: string): Database.Statement {
    this.texts.add(text);
    return super.sql(text);
  }

  /** What the query planner does for the statements that `action` runs. */
  async plansOf(action: () => unknown): Promise<string[]> {
    this.texts.clear();
    await action();
    return [...this.texts].flatMap((text) => this.plan(text));
  }

  plan(text: string): string[] {
    const statement = this.raw.prepare(`EXPLAIN QUERY PLAN ${text}`);
    for (let values = 0; ; values++) {
      try {
        const rows = statement.all(new Array(values).fill(null)) as { detail: string }[];
        return rows.map(({ detail }) => detail);
      } catch (error) {
        if (!(error instanceof RangeError) || values > 1000) throw error;
      }
    }
  }
}

describe.each(['own', 'adopted'] as const)('query plans over 100,000 nodes, %s table', (name) => {
  const layout = name === 'own' ? ownLayout('nodes') : adoptedLayout('my docs', adoptedColumns);
  const folder = mkdtempSync(join(tmpdir(), 'node-memory-'));
  let database: RecordingDatabase;
  let stamps: Stamps;

  beforeAll(async () => {
    const path = join(folder, 'nodes.sqlite');
    const store = await makeStore(path, name);
    for (let start = 0; start < count; start += 10_000)
      await store.insert(
        Array.from({ length: 10_000 }, (_, offset) => ({
          id: idOf(start + offset),
          content: 'text',
          vector,
          ...((start + offset) % 1000 === 0 ? old : target),
        })),
      );
    await store.close();
    const raw = new Database(path);
    raw.function('node_content_hash', (text: unknown) => String(text));
    database = new RecordingDatabase(raw, path, systemClock);
    stamps = new Stamps(database, layout);
  });

  afterAll(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  // With the statistics that a program may have gathered, the planner must not change its mind.
  it.each(['without statistics', 'with statistics'])('stay as they are %s', async (statistics) => {
    if (statistics === 'with statistics') database.raw.exec('ANALYZE');
    const [node] = await readNodes(database, layout, stamps, [idOf(1)]);
    const write = { nodeId: node!.id, fence: node!.fence };
    const scan = (after?: string) =>
      scanHeads(database, layout, stamps, { notAt: target, limit: 1000, after });

    const scanned = [...(await database.plansOf(scan)), ...(await database.plansOf(() => scan('node-5')))];
    expect(scanned.filter((detail) => /\bh\b/.test(detail)).length).toBeGreaterThan(3);
    expectSteps(scanned, scanSteps);

    const others = await database.plansOf(async () => {
      await readNodes(database, layout, stamps, [idOf(1), idOf(2)]);
      database.raw.exec('BEGIN');
      writeNodes(database, layout, stamps, [write, { ...write, set: { ...old, vector } }]);
      const inserted = { id: 'new', content: 'x', metadata: {}, vector, info: old };
      insertNodes(database, layout, stamps, [inserted], true);
      updateNode(database, layout, stamps, 'new', {
        content: 'y',
        metadata: {},
        vector: undefined,
        info: undefined,
      });
      deleteNodes(database, layout, ['new']);
      database.raw.exec('ROLLBACK');
      stamps.forget();
    });
    expect(others.length).toBeGreaterThan(5);
    expectSteps(others, pointSteps);

    const searched = await database.plansOf(() =>
      searchNodes(database, layout, stamps, vector, { at: old, k: 3, hasExtension: false }),
    );
    expectSteps(searched, searchSteps);

    if (layout.ownsTable) expectSteps(database.plan(deleteReplaced()), [...scanSteps, compound]);

    const counted = await database.plansOf(() => countByStamp(database, layout, stamps, {}));
    expect(counted).toEqual([expect.stringMatching(/^SCAN .* USING COVERING INDEX .*by_stamp$/)]);
  });
});

/** What the trigger for INSERT OR REPLACE looks for, with an id in place of the new row's. */
function deleteReplaced(): string {
  const [trigger] = triggersOf(ownLayout('nodes')).filter(({ name }) => name === 'nodes_inserted');
  const statement = /DELETE FROM \S+ WHERE node IN \([^;]*;/.exec(trigger!.sql)![0];
  return statement.replaceAll('NEW.id', "'x'").replaceAll('NEW.node', '1');
}

const compound =
  /^(COMPOUND QUERY|LEFT-MOST SUBQUERY|UNION ALL|SCAN (s|CONSTANT ROW|nodes_embedding_stamps.*)|CO-ROUTINE s|MATERIALIZE s|LIST SUBQUERY \d+)$/;

/** Each step of the plans has to be one of these. */
function expectSteps(details: readonly string[], allowed: readonly RegExp[]): void {
  const others = details.filter((detail) => !allowed.some((step) => step.test(detail)));
  expect(others).toEqual([]);
}

const frame = /^(MERGE \(UNION ALL\)|LEFT|RIGHT|(CORRELATED )?(SCALAR|LIST) SUBQUERY \d+|CO-ROUTINE w)$/;
const byKey =
  /^SEARCH .* USING (INTEGER PRIMARY KEY|(COVERING )?INDEX sqlite_autoindex_\S*( docs_\d)?) \(\S+=\?\)$/;
const ofStamps = /^SEARCH \S*( docs)?_embedding_stamps USING /;
/** All that a scan lists is in the index: neither vectors nor texts are read. */
const byIndexAlone =
  /^SEARCH (h|nodes_embeddings|my docs) USING COVERING INDEX \S*( docs)?_embeddings?_(by_stamp|stale) \(/;
const scanSteps = [frame, byIndexAlone, ofStamps, byKey];
const searchSteps = [byIndexAlone, ofStamps, /^SEARCH h USING INDEX \S*( docs)?_embeddings?_by_stamp \(/];
/** The lists that we bind, and the one row of the settings. */
const boundLists = /^SCAN (j VIRTUAL TABLE INDEX 1:|w|CONSTANT ROW|\S*( docs)?_embedding_store)$/;
const pointSteps = [frame, byKey, ofStamps, boundLists];
