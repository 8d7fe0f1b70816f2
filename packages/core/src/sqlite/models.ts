import { isDeepStrictEqual } from 'node:util';
import { RegistryError } from '../errors.ts';
import {
  type EmbeddingModelSpec,
  type ModelNotes,
  type ModelRef,
  type RegisteredModel,
  specDifference,
  unknownModel,
} from '../model/model-spec.ts';
import { qualifiedId } from '../model/qualified-id.ts';
import type { StampingEnd } from '../ports/totals.ts';
import { type Change, type Context, modelRow, note } from './context.ts';
import { MODEL_ROWS, type ModelRow, modelOf } from './rows.ts';

const named = (ref: ModelRef) => `${ref.modelId}:v${ref.version}`;

export function models({ db }: Context): RegisteredModel[] {
  return (db.sql(`${MODEL_ROWS} ORDER BY s.registered_at, s.model`).all() as ModelRow[]).map(modelOf);
}

function model({ db }: Context, row: number): RegisteredModel {
  return modelOf(db.sql(`${MODEL_ROWS} AND s.model = ?`).get(row) as ModelRow);
}

export function knownModel(context: Context, ref: ModelRef): number {
  const row = modelRow(context, ref);
  if (row !== undefined) return row;
  throw unknownModel(ref);
}

export function putModel(
  context: Context,
  o: { spec: EmbeddingModelSpec; notes: ModelNotes; activate: boolean; allowLowerVersion: boolean },
): RegisteredModel {
  const { spec } = o;
  const known = modelRow(context, spec);
  if (known === undefined) {
    if (!o.allowLowerVersion) assertGrowing(context, spec);
    return insertModel(context, spec, o.notes, o.activate);
  }
  const existing = model(context, known);
  const difference = specDifference(existing, spec);
  if (difference !== undefined)
    throw new RegistryError(
      'MODEL_CONFLICT',
      `Model ${named(spec)} is registered with ${difference} ${existing[difference]}, not ${spec[difference]}; register what changed as version ${spec.version + 1}.`,
      { details: { field: difference, registered: existing.toJSON(), received: spec.toJSON() } },
    );
  if (o.activate) setActive(context, known);
  return model(context, known);
}

function assertGrowing({ db }: Context, spec: EmbeddingModelSpec): void {
  const { highest } = db
    .sql('SELECT max(version) AS highest FROM model_specs WHERE model_id = ? AND registered_at IS NOT NULL')
    .get(spec.modelId) as { highest: number | null };
  if (highest === null || highest < spec.version) return;
  throw new RegistryError(
    'MODEL_CONFLICT',
    `Model ${spec.modelId} has version ${highest} already; versions grow, so register ${highest + 1}, or pass allowLowerVersion for ${spec.version}.`,
    { details: { modelId: spec.modelId, version: spec.version, highest } },
  );
}

export function insertModel(
  context: Context,
  spec: EmbeddingModelSpec,
  notes: ModelNotes,
  activate: boolean,
): RegisteredModel {
  const { db, clock } = context;
  // The row may exist already: as a stamp that was seen on a node, or as a model that was removed.
  db.sql(
    `INSERT INTO model_specs (model_id, version, checksum, dimension, datatype, distance, notes, registered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (model_id, version, checksum) DO UPDATE SET dimension = excluded.dimension,
       datatype = excluded.datatype, distance = excluded.distance, notes = excluded.notes,
       registered_at = excluded.registered_at`,
  ).run(
    spec.modelId,
    spec.version,
    spec.checksum,
    spec.dimension,
    spec.datatype,
    spec.distance,
    JSON.stringify(notes),
    clock.now(),
  );
  const row = knownModel(context, spec);
  note(context, 'model:registered', { model: row, details: { ...spec.toJSON() } });
  if (activate) setActive(context, row);
  return model(context, row);
}

export function putNotes(context: Context, ref: ModelRef, notes: ModelNotes): RegisteredModel {
  const row = knownModel(context, ref);
  const before = model(context, row);
  context.db
    .sql('UPDATE model_specs SET notes = json_patch(notes, ?) WHERE model = ?')
    .run(JSON.stringify(notes), row);
  const changed = Object.entries(notes).map(([key, to]): [string, Change] => {
    const from: unknown = before[key as keyof ModelNotes];
    return [key, { from: from ?? null, to: to ?? null }];
  });
  const details = Object.fromEntries(changed.filter(([, { from, to }]) => !isDeepStrictEqual(from, to)));
  if (Object.keys(details).length > 0) note(context, 'model:updated', { model: row, details });
  return model(context, row);
}

export function deleteModel(context: Context, ref: ModelRef): void {
  const { db } = context;
  const row = knownModel(context, ref);
  const refuse = (why: string) => {
    throw new RegistryError('MODEL_IN_USE', `Model ${named(ref)} cannot be removed: ${why}.`, {
      details: { ...ref },
    });
  };
  if (db.sql('SELECT 1 FROM active_model WHERE model = ?').get(row))
    refuse('it is the active model; activate another one first');
  const plan = db
    .sql(
      `SELECT plan_id FROM plans WHERE (source = :row OR target = :row OR previous_active = :row)
         AND status <> 'rolled_back' AND finalized IS NULL LIMIT 1`,
    )
    .get({ row }) as { plan_id: string } | undefined;
  if (plan) refuse(`plan ${plan.plan_id} needs it; roll that plan back or finalize it first`);
  db.sql('UPDATE model_specs SET registered_at = NULL WHERE model = ?').run(row);
  db.sql('DELETE FROM witnesses WHERE model = ?').run(row);
  note(context, 'model:removed', { model: row, details: { ...ref } });
}

export function activate(context: Context, ref: ModelRef): RegisteredModel {
  const row = knownModel(context, ref);
  setActive(context, row);
  return model(context, row);
}

export function noteStamping(context: Context, ref: ModelRef | undefined, ended?: StampingEnd): void {
  const un = ref === undefined ? 'un' : '';
  const { stamped, ...rest } = ended ?? {};
  note(context, `nodes:${un}${ended === undefined ? 'stamping' : 'stamped'}`, {
    ...(ref && { model: knownModel(context, ref) }),
    details: ended === undefined ? {} : { [`${un}stamped`]: stamped, ...rest },
  });
}

/** The row of the active model. */
export function activeModel({ db }: Context): number | undefined {
  return (db.sql('SELECT model FROM active_model').get() as { model: number } | undefined)?.model;
}

/** Makes a model the active one; answers the row of the one before. */
export function setActive(context: Context, row: number, plan?: number): number | undefined {
  const { db, clock } = context;
  const before = activeModel(context);
  if (before === row) return before;
  db.sql('INSERT OR REPLACE INTO active_model (only, model, since, plan) VALUES (1, ?, ?, ?)').run(
    row,
    clock.now(),
    plan ?? null,
  );
  note(context, 'model:activated', {
    model: row,
    plan,
    details: { previous: before === undefined ? null : label(context, before) },
  });
  return before;
}

/** Qualified id of a model or a stamp, for people. */
export function label({ db }: Context, row: number): string {
  const spec = db
    .sql('SELECT model_id, version, checksum FROM model_specs WHERE model = ?')
    .get(row) as ModelRow;
  return qualifiedId(spec.model_id, spec.version, spec.checksum);
}
