import { EmbeddingModelSpec, type ModelNotes } from '../../model/model-spec.ts';
import { type Context, internStamp, modelRow, note } from '../context.ts';
import { insertModel, setActive } from '../models.ts';
import { type OriginSpec, readSpec } from './records.ts';
import { aside } from './schema.ts';

/** The dimension that `binary_hdv` has in the origin unless its configuration says otherwise. */
const BINARY_HDV = { modelId: 'binary_hdv', version: 1, dimension: 16384 } as const;
const BINARY_HDV_CHECKSUM = '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071';
/** Shown for a model of which only a damaged plan speaks, until it is registered with its own. */
const UNKNOWN_DIMENSION = 1;

/** What the origin registers in a fresh registry: SHA-256 of `binary_hdv:16384`. */
export const firstModel = {
  spec: new EmbeddingModelSpec({ ...BINARY_HDV, checksum: BINARY_HDV_CHECKSUM, datatype: 'bit' }),
  notes: {
    name: 'Default Binary Hyperdimensional Vector',
    description: 'Default MnemoCore binary HDV encoder',
  },
};

/**
 * The origin knows neither datatype nor distance: its own encoder makes packed bits, and every model named
 * after it is taken for one; all others make float32 that is compared by cosine.
 */
function toSpec(spec: OriginSpec, dimension: number): EmbeddingModelSpec | undefined {
  const { modelId, version } = spec;
  const datatype = modelId.startsWith(BINARY_HDV.modelId) ? 'bit' : 'float32';
  try {
    return new EmbeddingModelSpec({
      modelId,
      version,
      dimension,
      checksum: checksumOf(spec.checksum),
      datatype,
    });
  } catch {
    return undefined;
  }
}

/** The origin accepts any text: an empty one becomes `unknown`, spaces and control characters are escaped. */
function checksumOf(checksum: string): string {
  const isUsable = /^[^\s\p{Cc}]{1,512}$/u.test(checksum) && checksum.isWellFormed();
  if (isUsable) return checksum;
  return encodeURIComponent(checksum.toWellFormed()).slice(0, 512) || 'unknown';
}

const notesOf = ({ name, description }: OriginSpec): ModelNotes => ({
  ...(name && { name: name.slice(0, 1000) }),
  ...(description && { description: description.slice(0, 10_000) }),
});

function register(context: Context, spec: EmbeddingModelSpec, origin: OriginSpec): number {
  insertModel(context, spec, notesOf(origin), false);
  const row = modelRow(context, spec) as number;
  if (origin.createdAt !== undefined)
    context.db.sql('UPDATE model_specs SET registered_at = ? WHERE model = ?').run(origin.createdAt, row);
  return row;
}

interface ModelCounts {
  models: number;
  skippedModels: number;
}

/** The rows of the origin's table of models; one that it could not have read itself is left out. */
export function importModels(context: Context): ModelCounts & { active: number | undefined } {
  const rows = context.db.sql(`SELECT * FROM ${aside.models} ORDER BY rowid`).all() as {
    model_id: unknown;
    version: unknown;
    is_active: unknown;
  }[];
  const counts = { models: 0, skippedModels: 0 };
  let active: number | undefined;
  for (const row of rows) {
    const origin = readSpec(row);
    const spec = origin?.dimension === undefined ? undefined : toSpec(origin, origin.dimension);
    if (origin === undefined || spec === undefined) {
      counts.skippedModels += 1;
      note(context, 'model:skipped', {
        details: { modelId: String(row.model_id), version: String(row.version) },
      });
      continue;
    }
    const model = register(context, spec, origin);
    counts.models += 1;
    if (row.is_active) active = model;
  }
  return { ...counts, active };
}

/**
 * The row of a specification that a plan names. The first one named under an id and version is registered,
 * unless the table of models has one; others are kept as specifications of their plans alone.
 * Undefined where it is nonsense.
 */
export function importSpec(context: Context, origin: OriginSpec): number | undefined {
  const dimension = origin.dimension ?? knownDimension(context, origin);
  const spec = toSpec(origin, dimension ?? UNKNOWN_DIMENSION);
  if (spec === undefined) return undefined;
  const known = context.db
    .sql(
      'SELECT model FROM model_specs WHERE model_id = ? AND version = ? AND checksum = ? AND dimension > 0',
    )
    .pluck()
    .get(spec.modelId, spec.version, spec.checksum) as number | undefined;
  if (known !== undefined) return known;
  if (dimension !== undefined && modelRow(context, spec) === undefined)
    return register(context, spec, origin);
  const row = internStamp(context, spec.info);
  context.db
    .sql('UPDATE model_specs SET dimension = ?, datatype = ?, distance = ?, notes = ? WHERE model = ?')
    .run(spec.dimension, spec.datatype, spec.distance, JSON.stringify(notesOf(origin)), row);
  return row;
}

/** Versions of a model most often have one dimension. */
function knownDimension({ db }: Context, { modelId, version }: OriginSpec): number | undefined {
  const known = db
    .sql(
      `SELECT dimension FROM model_specs WHERE model_id = ? AND registered_at IS NOT NULL
       ORDER BY version = ? DESC, model LIMIT 1`,
    )
    .pluck()
    .get(modelId, version) as number | undefined;
  return known ?? (modelId === BINARY_HDV.modelId ? BINARY_HDV.dimension : undefined);
}

/**
 * Where the origin lost its active model, it makes `binary_hdv` version 1 and activates it when it starts
 * the next time. So do we.
 */
export function importActive(context: Context, active: number | undefined): void {
  if (active === undefined && modelRow(context, firstModel.spec) === undefined)
    insertModel(context, firstModel.spec, firstModel.notes, false);
  setActive(context, active ?? (modelRow(context, firstModel.spec) as number));
}
