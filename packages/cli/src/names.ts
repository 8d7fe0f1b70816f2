import type { EmbeddingVersionManager, MigrationPlan, RegisteredModel, SpecFields } from '@registry/core';
import { isRegistryError, qualifiedId, RegistryError } from '@registry/core';
import { modelName, statusWord } from './screen/phrases.ts';
import { UsageError } from './usage-error.ts';

const CANDIDATES = 10;
const SHORTEST = 8;

/**
 * The plan of an id or of the beginning of one.
 * @throws UsageError `AMBIGUOUS`; RegistryError `PLAN_UNKNOWN`
 */
export async function planOf(manager: EmbeddingVersionManager, written: string): Promise<MigrationPlan> {
  try {
    return await manager.getMigration(written);
  } catch (error) {
    if (!isRegistryError(error, 'PLAN_UNKNOWN')) throw error;
    const found = (await allPlans(manager)).filter(({ planId }) => planId.startsWith(written));
    if (found[0] === undefined) throw error;
    if (found.length === 1) return found[0];
    const names = found.map(
      (plan) => `${plan.planId} (${statusWord(plan.status)}, to ${modelName(plan.targetSpec)})`,
    );
    throw ambiguous(written, 'plans', names);
  }
}

/** Newest first. */
export async function allPlans(manager: EmbeddingVersionManager): Promise<MigrationPlan[]> {
  const found: MigrationPlan[] = [];
  let after: string | undefined;
  do {
    const page = await manager.listMigrations({ limit: 1_000, ...(after !== undefined && { after }) });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** It holds its nodes: they are refused to another plan. */
export const isUnfinished = ({ status }: MigrationPlan): boolean =>
  ['pending', 'in_progress', 'paused', 'rolling_back'].includes(status);

/** The beginnings of ids by which these plans can be told apart from each other. */
export function shortIds(plans: readonly MigrationPlan[]): (planId: string) => string {
  const ids = plans.map(({ planId }) => planId);
  let length = SHORTEST;
  while (length < 36 && new Set(ids.map((id) => id.slice(0, length))).size < new Set(ids).size) length += 4;
  return (planId) => planId.slice(0, length);
}

/**
 * The model of `<id>:v<version>`, of its label with the checksum, or of the beginning of either.
 * @throws UsageError `AMBIGUOUS`; RegistryError `MODEL_UNKNOWN`
 */
export function modelOf<T extends SpecFields>(models: readonly T[], written: string, where: string): T {
  const exact = models.find((model) => modelName(model) === written || labelOf(model) === written);
  if (exact !== undefined) return exact;
  const found = models.filter((model) => labelOf(model).startsWith(written));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) throw ambiguous(written, 'models', found.map(modelName));
  const names = models.map(modelName).slice(0, CANDIDATES).join(', ');
  throw new RegistryError(
    'MODEL_UNKNOWN',
    `There is no model ${JSON.stringify(written)} ${where}${names === '' ? '' : `; there are ${names}`}.`,
    { details: { model: written } },
  );
}

export async function registeredModel(
  manager: EmbeddingVersionManager,
  written: string,
): Promise<RegisteredModel> {
  return modelOf(await manager.listModels(), written, 'in the registry');
}

function labelOf({ modelId, version, checksum }: SpecFields): string {
  return qualifiedId(modelId, version, checksum);
}

function ambiguous(written: string, what: string, names: readonly string[]): UsageError {
  const shown = names
    .slice(0, CANDIDATES)
    .map((name) => `\n  ${name}`)
    .join('');
  const more = names.length > CANDIDATES ? `\n  and ${names.length - CANDIDATES} more` : '';
  return new UsageError(
    `${JSON.stringify(written)} is the beginning of ${names.length} ${what}:${shown}${more}`,
    {
      code: 'AMBIGUOUS',
      advice: 'Write more of it.',
      details: { candidates: names },
    },
  );
}
