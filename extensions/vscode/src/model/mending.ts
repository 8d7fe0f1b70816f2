import type { Diagnosis, Finding, FindingCode, ModelRef } from '@registry/core';
import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { modelName } from './plan-text.ts';

/** What the doctor found last of a registry and its nodes. */
export interface DiagnosisData extends Diagnosis {
  /** ISO time of the look. */
  readonly at: string;
}

/** Commands that a finding may offer; each asks its own questions. */
export const mendingCommands = [
  'stampAs',
  'migrateToModel',
  'registerModel',
  'setActiveModel',
  'checkWitness',
  'start',
  'watch',
  'finalize',
] as const;
export type MendingCommand = (typeof mendingCommands)[number];

/** The command that mends a finding, and what it is about. */
export interface Mending {
  readonly command: MendingCommand;
  readonly model?: ModelRef;
  readonly planId?: string;
}

const byPlan: Partial<Record<FindingCode, MendingCommand>> = {
  BEHIND: 'start',
  STALE: 'start',
  NOT_EMBEDDED: 'start',
  MIXED_MODELS: 'start',
  PLAN_STUCK: 'watch',
  PLAN_FAILED_NODES: 'watch',
  STRAY_BACKUPS: 'finalize',
};

/** Nodes that the active model is to embed. */
const byMigration: ReadonlySet<FindingCode> = new Set([
  'BEHIND',
  'STALE',
  'NOT_EMBEDDED',
  'MIXED_MODELS',
  'CHECKSUM_DIFFERS',
  'CHECKSUM_EMPTY',
]);

const byModel: Partial<Record<FindingCode, MendingCommand>> = {
  UNSTAMPED: 'stampAs',
  STAMP_UNKNOWN: 'registerModel',
  NO_ACTIVE_MODEL: 'setActiveModel',
  EMBEDDER_NOT_ACTIVE: 'setActiveModel',
  EMBEDDER_MISMATCH: 'registerModel',
  MODEL_DRIFTED: 'registerModel',
  WITNESS_MISSING: 'checkWitness',
};

/** Undefined where no command of the editor does it: the sentence of the finding says what does. */
export function mendingOf(
  { code, model, planId }: Finding,
  models: readonly ModelData[],
): Mending | undefined {
  const ofPlan = byPlan[code];
  if (ofPlan !== undefined && planId !== undefined) return { command: ofPlan, planId };
  if (byMigration.has(code)) {
    const active = models.find(({ isActive }) => isActive);
    return active && { command: 'migrateToModel', model: refOf(active) };
  }
  if (code === 'MODEL_SHUT_DOWN' || code === 'MODEL_CLOSING') {
    const ending = models.find((each) => model !== undefined && modelName(each) === modelName(model));
    const successor = models.find(
      (each) => ending?.successor !== undefined && modelName(each) === modelName(ending.successor),
    );
    return successor && { command: 'migrateToModel', model: refOf(successor) };
  }
  const command = byModel[code];
  return command && { command, ...(model && { model }) };
}

const refOf = ({ modelId, version }: ModelRef): ModelRef => ({ modelId, version });

/** What its button says. */
export function mendingLabel({ command, model }: Mending, say: Say): string {
  const labels: Record<MendingCommand, string> = {
    stampAs: say('Stamp Nodes As…'),
    migrateToModel: say('Migrate to {model}…', { model: model === undefined ? '' : modelName(model) }),
    registerModel: say('Register Model…'),
    setActiveModel: say('Set Active Model…'),
    checkWitness: say('Check Witness'),
    start: say('Start Migration'),
    watch: say('Watch Migration'),
    finalize: say('Give Backups Up…'),
  };
  return labels[command];
}

const drift: ReadonlySet<FindingCode> = new Set(['MODEL_DRIFTED', 'VECTORS_DIFFER', 'MODEL_COLLAPSED']);

/** Names of the models whose vectors are not what they were. */
export function driftedModels(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(
    findings.flatMap(({ code, severity, model }) =>
      drift.has(code) && severity === 'error' && model !== undefined ? [modelName(model)] : [],
    ),
  );
}

/** `2 errors, 1 warning`. */
export function severityText(findings: readonly Finding[], say: Say): string {
  const of = (severity: Finding['severity']) => findings.filter((each) => each.severity === severity).length;
  const [errors, warnings, notes] = [of('error'), of('warning'), of('note')];
  const parts = [
    ...(errors > 0 ? [errors === 1 ? say('1 error') : say('{count} errors', { count: errors })] : []),
    ...(warnings > 0
      ? [warnings === 1 ? say('1 warning') : say('{count} warnings', { count: warnings })]
      : []),
    ...(notes > 0 ? [notes === 1 ? say('1 note') : say('{count} notes', { count: notes })] : []),
  ];
  return parts.length === 0 ? say('Nothing is wrong.') : parts.join(', ');
}
