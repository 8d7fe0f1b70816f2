/**
 * What the origin wrote, read leniently: it checked nothing, so any field may hold anything. Values that
 * cannot be used fall back to the origin's default; a record without an identity is undefined.
 */
import * as z from 'zod';

/** A specification as the origin names it. `dimension` is undefined where it is not known. */
export interface OriginSpec {
  readonly modelId: string;
  readonly version: number;
  readonly checksum: string;
  readonly dimension?: number | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly createdAt?: number | undefined;
}

export interface OriginTask {
  readonly nodeId: string;
  readonly status: string;
  readonly source: OriginSpec | undefined;
  readonly priority: number;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly startedAt?: number | undefined;
  readonly completedAt?: number | undefined;
  readonly errorMessage?: string | undefined;
}

export interface OriginSettings {
  readonly status: string;
  readonly createdAt?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly completedAt?: number | undefined;
  readonly batchSize: number;
  readonly throttleMs: number;
  readonly lanes: number;
}

/** Python's ISO times, to milliseconds. */
const time = z
  .string()
  .transform((text) => Date.parse(text))
  .refine((ms) => Number.isSafeInteger(ms))
  .optional()
  .catch(undefined);
const text = z.string().optional().catch(undefined);
const count = (least: number, otherwise: number) => z.int().min(least).catch(otherwise);
/** Python's True is 1 in its columns. */
const positive = z
  .union([z.int(), z.literal(true).transform(() => 1)])
  .pipe(z.int().min(1))
  .optional()
  .catch(undefined);
const nodeId = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform((flag) => (flag ? '1' : '0')),
]);
/** As the column holds them, where null stands for what is absent. */
const record = z.record(z.string(), z.unknown());

const specSchema = z
  .object({
    model_id: z.string(),
    version: positive,
    checksum: z.string().catch(''),
    dimension: positive,
    name: text,
    description: text,
    created_at: time,
  })
  .transform(({ model_id, version, created_at, ...rest }) =>
    version === undefined ? undefined : { modelId: model_id, version, createdAt: created_at, ...rest },
  );

/** Undefined where id or version are nonsense. */
export function readSpec(value: unknown): OriginSpec | undefined {
  const parsed = specSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

const taskSchema = z
  .object({
    node_id: nodeId.refine((id) => id !== '' && id.isWellFormed()),
    status: z.string().catch('pending'),
    source_spec: z.unknown(),
    priority: z.int().min(0).max(3).catch(2),
    retry_count: count(0, 0),
    max_retries: count(0, 3),
    started_at: time,
    completed_at: time,
    error_message: text,
  })
  .transform((task) => ({
    nodeId: task.node_id,
    status: task.status,
    source: readSpec(task.source_spec),
    priority: task.priority,
    retryCount: task.retry_count,
    maxRetries: task.max_retries,
    startedAt: task.started_at,
    completedAt: task.completed_at,
    errorMessage: task.error_message,
  }));

/** Undefined where there is no node id that a store could hold: empty, missing or not well-formed. */
export function readTask(value: unknown): OriginTask | undefined {
  const parsed = taskSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

const settingsSchema = z
  .object({
    status: z.string().catch(''),
    created_at: time,
    started_at: time,
    completed_at: time,
    batch_size: count(1, 100),
    throttle_delay_ms: count(0, 10),
    max_parallel_workers: count(1, 2),
  })
  .transform((plan) => ({
    status: plan.status,
    createdAt: plan.created_at,
    startedAt: plan.started_at,
    completedAt: plan.completed_at,
    batchSize: plan.batch_size,
    throttleMs: plan.throttle_delay_ms,
    lanes: plan.max_parallel_workers,
  }));

/** Settings of a plan, of its JSON or of its columns. */
export function readSettings(value: unknown): OriginSettings {
  return settingsSchema.parse(value);
}

/** The JSON of a plan; undefined where it cannot be read as one, with its specifications and tasks. */
export function readPlanData(
  planData: string,
): { record: Record<string, unknown>; source: OriginSpec; target: OriginSpec; tasks: unknown[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(planData, keepLargeIntegers);
  } catch {
    return undefined;
  }
  const parsed = record.safeParse(value);
  if (!parsed.success) return undefined;
  const { source_spec, target_spec, tasks } = parsed.data;
  const [source, target] = [readSpec(source_spec), readSpec(target_spec)];
  if (source === undefined || target === undefined || !Array.isArray(tasks)) return undefined;
  return { record: parsed.data, source, target, tasks };
}

/** Node ids may be integers of 64 bits in Python; a JavaScript number would be another id. */
function keepLargeIntegers(this: unknown, _: string, value: unknown, context?: { source?: string }): unknown {
  const isLarge = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLarge && context?.source !== undefined ? context.source : value;
}

/** The specifications that stand at the head of a plan whose JSON breaks off or is damaged later on. */
export function salvageSpecs(planData: string): OriginSpec[] {
  return [...planData.matchAll(/"(?:source|target)_spec"\s*:\s*(\{[^{}]*\})/g)]
    .slice(0, 2)
    .flatMap(([, json]) => {
      try {
        return readSpec(JSON.parse(json as string)) ?? [];
      } catch {
        return [];
      }
    });
}
