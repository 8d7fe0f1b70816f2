/** What calls name by id: looked up, or refused where it is not there. */
import type { ManagerContext } from './context.ts';
import { RegistryError } from './errors.ts';
import { type ModelRef, modelNamed, type RegisteredModel, unknownModel } from './model/model-spec.ts';
import { type MigrationPlan, unknownPlan } from './model/plan.ts';

type Looking = Pick<ManagerContext, 'registry'>;

/** @throws RegistryError `MODEL_UNKNOWN` */
export async function knownModel({ registry }: Looking, ref: ModelRef): Promise<RegisteredModel> {
  const model = modelNamed(await registry.models(), ref);
  if (model !== undefined) return model;
  throw unknownModel(ref);
}

/** Undefined where nobody made a model active. */
export async function activeModel({ registry }: Looking): Promise<RegisteredModel | undefined> {
  return (await registry.models()).find((model) => model.isActive);
}

/** @throws RegistryError `MODEL_UNKNOWN` where nobody made a model active */
export async function knownActiveModel(context: Looking): Promise<RegisteredModel> {
  const active = await activeModel(context);
  if (active !== undefined) return active;
  throw new RegistryError(
    'MODEL_UNKNOWN',
    'No model is active; registerModel with setActive, or switchActiveModel.',
  );
}

/**
 * The model that is named, or the active one.
 * @throws RegistryError `MODEL_UNKNOWN`, `SPEC_INVALID` where half of a name is given
 */
export async function modelOrActive(
  context: Looking,
  { modelId, version }: { readonly [Key in keyof ModelRef]?: ModelRef[Key] | undefined },
): Promise<RegisteredModel> {
  if (modelId === undefined && version === undefined) return knownActiveModel(context);
  if (modelId !== undefined && version !== undefined) return knownModel(context, { modelId, version });
  throw new RegistryError('SPEC_INVALID', 'Pass both modelId and version, or neither for the active model.');
}

/** @throws RegistryError `PLAN_UNKNOWN` */
export async function knownPlan({ registry }: Looking, planId: string): Promise<MigrationPlan> {
  const plan = await registry.plan(planId);
  if (plan !== undefined) return plan;
  throw unknownPlan(planId);
}
