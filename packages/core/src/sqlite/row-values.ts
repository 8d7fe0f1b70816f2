/**
 * What rows say, made sure of: a registry file may come from anybody, and a column's type and checks hold only for
 * those who keep to them.
 */
import * as z from 'zod';
import { RegistryError } from '../errors.ts';
import { type ModelNotes, modelNotesSchema } from '../model/model-spec.ts';
import type { NodeFilter } from '../model/plan.ts';
import { MigrationStatus, type Priority, type Strategy } from '../model/status.ts';
import { type Datatype, type Vector, vectorOfBytes } from '../model/vector.ts';

/** Beyond it, in either direction, there is no date. */
const FARTHEST_MS = 8.64e15;

/** @throws RegistryError `DATABASE_INVALID` where the number is no date */
export function isoTime(ms: number): string {
  if (typeof ms !== 'number' || !(Math.abs(ms) <= FARTHEST_MS)) throw damaged(`${ms} where a time stands`);
  return new Date(ms).toISOString();
}

/** @throws RegistryError `DATABASE_INVALID` where the text is no JSON of this form */
export function parsedJson<T>(schema: z.ZodType<T>, json: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw damaged(`something else than JSON where ${where} stand`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw damaged(`JSON of another form where ${where} stand`);
}

/** An error about a row of the file, whatever threw: nobody has called anything wrongly. */
export function asDamage<T>(read: () => T, where: string): T {
  try {
    return read();
  } catch (cause) {
    throw damaged(`something else where ${where} stands`, cause);
  }
}

function damaged(what: string, cause?: unknown): RegistryError {
  return new RegistryError(
    'DATABASE_INVALID',
    `The registry holds ${what}; another program wrote it, or it is damaged. Put a copy of it back, or choose another file.`,
    { cause },
  );
}

/** @throws RegistryError `DATABASE_INVALID` where the bytes end in the middle of a number */
export function storedVector(bytes: Uint8Array, datatype: Datatype): Vector {
  if (datatype === 'float32' && bytes.byteLength % 4 !== 0)
    throw damaged(`a vector of ${bytes.byteLength} bytes`);
  return vectorOfBytes(bytes, datatype);
}

const note = modelNotesSchema.shape;
/** Without the limits of texts that hold where notes are written: those of the origin have none. */
const notes = z.object({
  name: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  maxInputTokens: note.maxInputTokens.catch(undefined),
  pricePerMillionTokens: note.pricePerMillionTokens.catch(undefined),
  deprecatedAt: note.deprecatedAt.catch(undefined),
  shutdownAt: note.shutdownAt.catch(undefined),
  successor: note.successor.catch(undefined),
});

/** Notes that are none are left out. A key such as `__proto__` would become a part of the model. */
export function notesOf(json: string): ModelNotes {
  const known = parsedJson(notes, json, 'notes of a model');
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as ModelNotes;
}

const filter: z.ZodType<NodeFilter> = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export function filterOf(json: string): NodeFilter {
  return parsedJson(filter, json, 'conditions of a plan');
}

/** What an object of any shape holds, such as the details of an entry of the journal. */
export const anyRecord: z.ZodType<Record<string, unknown>> = z.record(z.string(), z.unknown());

/** Stands in commands that people copy and scripts run, so nothing there may be an option or an act of a shell. */
export const planIdSchema: z.ZodType<string> = z.string().regex(/^[A-Za-z0-9_][\w.:-]{0,127}$/);

const kinds = z.object({
  plan_id: planIdSchema,
  status: z.enum(Object.values(MigrationStatus)),
  strategy: z.enum(['inPlace', 'namedVector', 'shadow']),
  priority: z.int().min(0).max(3),
});

/** @throws RegistryError `DATABASE_INVALID` where one of them is none that this program knows */
export function assertPlanKinds(row: {
  plan_id: string;
  status: MigrationStatus;
  strategy: Strategy;
  priority: Priority;
}): void {
  if (!kinds.safeParse(row).success) throw damaged('an unknown id, status, strategy or priority of a plan');
}
