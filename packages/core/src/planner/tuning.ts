import * as z from 'zod';
import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { type ModelRef, modelNamed, type RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan, PlanSettings, PlanTuning } from '../model/plan.ts';
import { settingLimits } from '../model/setting-limits.ts';
import type { SpendCap } from '../model/spend-cap.ts';
import { parseOptions } from '../options.ts';

const within = ({ minimum, maximum }: { minimum: number; maximum: number }, type: z.ZodNumber = z.int()) =>
  type
    .min(minimum, `must be ${minimum} to ${maximum}`)
    .max(maximum, `must be ${minimum} to ${maximum}`)
    .optional();

/** The numbers of a plan as callers may pass them. */
export const tuningShape = {
  batchSize: within(settingLimits.migrationBatchSize),
  throttleMs: within(settingLimits.migrationThrottleMs),
  maxParallelWorkers: within(settingLimits.maxParallelWorkers),
  maxRetries: within(settingLimits.maxRetries),
  dutyCycle: within(settingLimits.dutyCycle, z.number()),
  spendCap: z
    .union(
      [
        z.strictObject({
          dollars: z.number().positive('must be above 0').max(1e9, 'must be at most 1000000000'),
        }),
        z.strictObject({ tokens: z.int('must be a whole number above 0').positive('must be above 0') }),
      ],
      'must be { dollars } or { tokens }, a number above 0, or null for none',
    )
    .nullable()
    .optional(),
};

export type ParsedTuning = { readonly [Key in keyof PlanTuning]: PlanTuning[Key] | undefined };

/** What the caller leaves out comes from the configuration. */
export function withDefaults(tuning: ParsedTuning, config: ManagerContext['config']): PlanSettings {
  return {
    batchSize: tuning.batchSize ?? config.migrationBatchSize,
    throttleMs: tuning.throttleMs ?? config.migrationThrottleMs,
    maxParallelWorkers: tuning.maxParallelWorkers ?? config.maxParallelWorkers,
    maxRetries: tuning.maxRetries ?? config.maxRetries,
    dutyCycle: tuning.dutyCycle ?? 1,
    ...(tuning.spendCap && { spendCap: tuning.spendCap }),
  };
}

/** The numbers that were given, without the others. */
export function givenOnly(tuning: ParsedTuning): PlanTuning {
  const { batchSize, throttleMs, maxParallelWorkers, maxRetries, dutyCycle, spendCap } = tuning;
  return {
    ...(batchSize !== undefined && { batchSize }),
    ...(throttleMs !== undefined && { throttleMs }),
    ...(maxParallelWorkers !== undefined && { maxParallelWorkers }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(dutyCycle !== undefined && { dutyCycle }),
    ...(spendCap !== undefined && { spendCap }),
  };
}

const tuningSchema = z.strictObject({ planId: z.string(), ...tuningShape });

/** Undefined where nothing was named. @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE`, `SPEC_INVALID` */
export async function tunePlan(
  { registry }: ManagerContext,
  options: { planId: string } & PlanTuning,
): Promise<MigrationPlan | undefined> {
  const { planId, ...tuning } = parseOptions(tuningSchema, options, 'tuning');
  const given = givenOnly(tuning);
  if (Object.keys(given).length === 0) return undefined;
  const plan = given.spendCap ? await registry.plan(planId) : undefined;
  if (plan !== undefined) assertPriced(await registry.models(), plan.targetSpec, given.spendCap);
  return registry.tune(planId, given);
}

/** @throws RegistryError `SPEC_INVALID`: without a price nobody can tell when so much money is spent */
export function assertPriced(
  models: readonly RegisteredModel[],
  target: ModelRef,
  cap: SpendCap | null | undefined,
): void {
  if (!cap || !('dollars' in cap)) return;
  const model = modelNamed(models, target);
  if (model === undefined || model.pricePerMillionTokens !== undefined) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Invalid spendCap: ${model.qualifiedId} has no price, so ${cap.dollars} dollars cannot be told in tokens; note its pricePerMillionTokens with updateModel, or cap the tokens.`,
    { details: { modelId: model.modelId, version: model.version, spendCap: cap } },
  );
}
