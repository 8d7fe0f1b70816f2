import { RegistryError } from '../errors.ts';
import type { ModelRef, SpecFields } from '../model/model-spec.ts';
import { vectorBytes } from '../model/vector.ts';
import type { Witness, WitnessSample } from '../model/witness.ts';
import { type Context, modelRow, note } from './context.ts';
import { knownModel } from './models.ts';
import { isoTime, storedVector } from './row-values.ts';

interface WitnessRow {
  text: string;
  vector: Buffer;
  made: number;
  datatype: 'float32' | 'bit';
}

/** False where the model has a witness already, and nothing changed. */
export function putWitness(
  context: Context,
  spec: Pick<SpecFields, 'modelId' | 'version' | 'checksum'>,
  samples: readonly WitnessSample[],
  { replace = false }: { replace?: boolean },
): boolean {
  const { db, clock } = context;
  const row = knownModel(context, spec);
  const { checksum } = db.sql('SELECT checksum FROM model_specs WHERE model = ?').get(row) as {
    checksum: string;
  };
  // It was removed and registered anew since the vectors were made.
  if (checksum !== spec.checksum)
    throw new RegistryError(
      'MODEL_UNKNOWN',
      `Model ${spec.modelId}:v${spec.version} is registered with another checksum; its witness is not that of ${spec.checksum.slice(0, 8)}.`,
      { details: { modelId: spec.modelId, version: spec.version } },
    );
  const known = db.sql('SELECT 1 FROM witnesses WHERE model = ? LIMIT 1').get(row) !== undefined;
  if ((known && !replace) || samples.length === 0) return false;
  db.sql('DELETE FROM witnesses WHERE model = ?').run(row);
  const insert = db.sql('INSERT INTO witnesses (model, place, text, vector, made) VALUES (?, ?, ?, ?, ?)');
  for (const [place, { text, vector }] of samples.entries())
    insert.run(row, place, text, vectorBytes(vector), clock.now());
  note(context, known ? 'model:rewitnessed' : 'model:witnessed', {
    model: row,
    details: { texts: samples.length },
  });
  return true;
}

export function witness(context: Context, ref: ModelRef): Witness | undefined {
  const row = modelRow(context, ref);
  if (row === undefined) return undefined;
  const rows = context.db
    .sql(
      `SELECT w.text, w.vector, w.made, s.datatype FROM witnesses w JOIN model_specs s ON s.model = w.model
       WHERE w.model = ? ORDER BY w.place`,
    )
    .all(row) as WitnessRow[];
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    madeAt: isoTime(first.made),
    samples: rows.map(({ text, vector, datatype }) => ({ text, vector: storedVector(vector, datatype) })),
  };
}
