import type { Clock } from '../clock.ts';
import type { EmbeddingInfo, ModelRef } from '../model/model-spec.ts';
import type { SqliteDatabase } from './database.ts';

/** What every statement of the registry needs. The functions that take it run inside one transaction. */
export interface Context {
  readonly db: SqliteDatabase;
  readonly clock: Clock;
  /** Who acts, for the journal. */
  readonly actor: string;
}

export interface JournalNote {
  readonly plan?: number | undefined;
  readonly model?: number | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What became of a setting or a note; null where there was or is none. */
export interface Change {
  readonly from: unknown;
  readonly to: unknown;
}

export function note(
  { db, clock, actor }: Context,
  action: string,
  { plan, model, details }: JournalNote,
): void {
  db.sql('INSERT INTO journal (at, actor, action, plan, model, details) VALUES (?, ?, ?, ?, ?, ?)').run(
    clock.now(),
    actor,
    action,
    plan ?? null,
    model ?? null,
    JSON.stringify(details ?? {}),
  );
}

/** The row that stands for a stamp, made where it is new: stamps of models never registered have rows too. */
export function internStamp({ db }: Context, stamp: EmbeddingInfo): number {
  const key = [stamp.embeddingModelId, stamp.embeddingVersion, stamp.embeddingChecksum];
  const known = db
    .sql('SELECT model FROM model_specs WHERE model_id = ? AND version = ? AND checksum = ?')
    .get(...key) as { model: number } | undefined;
  if (known !== undefined) return known.model;
  const added = db.sql('INSERT INTO model_specs (model_id, version, checksum) VALUES (?, ?, ?)').run(...key);
  return Number(added.lastInsertRowid);
}

/** Row number of a registered model. */
export function modelRow({ db }: Context, ref: ModelRef): number | undefined {
  const row = db
    .sql('SELECT model FROM model_specs WHERE model_id = ? AND version = ? AND registered_at IS NOT NULL')
    .get(ref.modelId, ref.version) as { model: number } | undefined;
  return row?.model;
}

export function setting<T extends string | number>({ db }: Context, key: string): T | undefined {
  const row = db.sql('SELECT value FROM settings WHERE key = ?').get(key) as { value: T } | undefined;
  return row?.value;
}

export function putSetting({ db }: Context, key: string, value: string | number): void {
  db.sql(
    'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  ).run(key, value);
}

/** Seals, rollbacks and finalizes count: a node store that has seen a higher number knows a later registry. */
export function raiseMark(context: Context): void {
  putSetting(context, 'mark', (setting<number>(context, 'mark') ?? 0) + 1);
}
