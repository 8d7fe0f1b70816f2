import * as z from 'zod';
import type { ManagerContext } from '../context.ts';
import type { PlanTuning } from '../model/plan.ts';
import { settingLimits } from '../model/setting-limits.ts';

const within = ({ minimum, maximum }: { minimum: number; maximum: number }) =>
  z
    .int()
    .min(minimum, `must be ${minimum} to ${maximum}`)
    .max(maximum, `must be ${minimum} to ${maximum}`)
    .optional();

/** The four numbers of a plan as callers may pass them. */
export const tuningShape = {
  batchSize: within(settingLimits.migrationBatchSize),
  throttleMs: within(settingLimits.migrationThrottleMs),
  maxParallelWorkers: within(settingLimits.maxParallelWorkers),
  maxRetries: within(settingLimits.maxRetries),
};

export type ParsedTuning = { readonly [Key in keyof PlanTuning]: PlanTuning[Key] | undefined };

/** What the caller leaves out comes from the configuration. */
export function withDefaults(tuning: ParsedTuning, config: ManagerContext['config']): Required<PlanTuning> {
  return {
    batchSize: tuning.batchSize ?? config.migrationBatchSize,
    throttleMs: tuning.throttleMs ?? config.migrationThrottleMs,
    maxParallelWorkers: tuning.maxParallelWorkers ?? config.maxParallelWorkers,
    maxRetries: tuning.maxRetries ?? config.maxRetries,
  };
}

/** The numbers that were given, without the others. */
export function givenOnly(tuning: ParsedTuning): PlanTuning {
  const { batchSize, throttleMs, maxParallelWorkers, maxRetries } = tuning;
  return {
    ...(batchSize !== undefined && { batchSize }),
    ...(throttleMs !== undefined && { throttleMs }),
    ...(maxParallelWorkers !== undefined && { maxParallelWorkers }),
    ...(maxRetries !== undefined && { maxRetries }),
  };
}

export const tuningSchema = z.strictObject({ planId: z.string(), ...tuningShape });
