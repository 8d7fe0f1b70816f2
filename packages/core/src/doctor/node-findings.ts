import { counted } from '../model/grouped.ts';
import type { RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Finding, FindingCode, FindingSeverity, Tally } from './finding.ts';

/** What is said of nodes: `nodes` is their number with its noun, `label` the model they name, `target` where to go. */
interface Said {
  readonly nodes: string;
  readonly label: string;
  readonly target: string;
}

interface Phrase {
  readonly severity: FindingSeverity;
  readonly message: (said: Said) => string;
  readonly remedy: (said: Said) => string;
}

const embedAgain = ({ target }: Said) =>
  `unstampNodes takes the stamps of these nodes off, and createMigration to ${target} embeds them again.`;
const migrate = ({ target }: Said) => `createMigration to ${target} embeds them.`;

const phrases: Partial<Record<FindingCode, Phrase>> = {
  WRONG_LENGTH: {
    severity: 'error',
    message: ({ nodes, label }) =>
      `${nodes} stamped ${label} hold vectors of another length or type than that model's.`,
    remedy: embedAgain,
  },
  NOT_FINITE: {
    severity: 'error',
    message: ({ nodes }) => `${nodes} hold vectors with NaN or infinite elements.`,
    remedy: embedAgain,
  },
  ZERO_VECTOR: {
    severity: 'error',
    message: ({ nodes }) => `${nodes} hold vectors whose elements are all zero.`,
    remedy: embedAgain,
  },
  STAMP_UNKNOWN: {
    severity: 'error',
    message: ({ nodes, label }) =>
      `${nodes} are stamped ${label}, which is not registered: no search can find them.`,
    remedy: ({ target }) =>
      `registerModel if that model is still to be used; else createMigration to ${target}.`,
  },
  CHECKSUM_DIFFERS: {
    severity: 'error',
    message: ({ nodes, label }) =>
      `${nodes} are stamped ${label}: that model under another configuration, whose vectors cannot be compared.`,
    remedy: migrate,
  },
  UNSTAMPED: {
    severity: 'warning',
    message: ({ nodes }) =>
      `${nodes} have a vector that nobody stamped with its model: no search can find them.`,
    remedy: ({ target }) =>
      `stampNodes declares the model that made them, after a check; where nobody knows, createMigration to ${target}.`,
  },
  IN_TRANSIT: {
    severity: 'warning',
    message: ({ nodes }) => `${nodes} are in the midst of a write whose writer died; no search finds them.`,
    remedy: () => 'runMigration goes on with their plan, or rollbackMigration puts them back.',
  },
  NOT_EMBEDDED: {
    severity: 'warning',
    message: ({ nodes }) => `${nodes} have a text and no vector: no search can find them.`,
    remedy: migrate,
  },
  BEHIND: {
    severity: 'warning',
    message: ({ nodes, label }) => `${nodes} are still at ${label}, which is not the active model.`,
    remedy: migrate,
  },
  STALE: {
    severity: 'warning',
    message: ({ nodes }) =>
      `${nodes} had their text changed since their vector was made: searches find what they said before.`,
    remedy: migrate,
  },
  EMPTY_CONTENT: {
    severity: 'warning',
    message: ({ nodes }) => `${nodes} have no text: they cannot be embedded, and fail in every plan.`,
    remedy: () => 'Give them a text, or delete them.',
  },
  CONTENT_TOO_LONG: {
    severity: 'warning',
    message: ({ nodes }) =>
      `${nodes} have a text longer than the active model takes, and fail in every plan to it.`,
    remedy: () => 'Shorten or split them, or choose a model with a longer input.',
  },
  CHECKSUM_EMPTY: {
    severity: 'note',
    message: ({ nodes, label }) =>
      `${nodes} are stamped ${label}: which configuration of the model it was is not known.`,
    remedy: migrate,
  },
};

/** What the walk over the nodes has found, in sentences. */
export function nodeFindings(
  tally: Tally,
  o: {
    models: readonly RegisteredModel[];
    active: RegisteredModel | undefined;
    plans: readonly MigrationPlan[];
  },
): Finding[] {
  const target = o.active === undefined ? '<model>' : named(o.active);
  return tally.entries.flatMap(({ code, label, count, sample }): Finding[] => {
    const phrase = phrases[code];
    if (phrase === undefined) return [];
    const said = { nodes: counted(count, 'node'), label, target };
    const model = o.models.find((other) => other.qualifiedId === label);
    const finding = {
      code,
      count,
      sample,
      severity: phrase.severity,
      message: singular(phrase.message(said), count),
      remedy: phrase.remedy(said),
      ...(model && { model: { modelId: model.modelId, version: model.version } }),
    };
    const plan = code === 'BEHIND' || code === 'STALE' || code === 'NOT_EMBEDDED' ? underWay(o) : undefined;
    return [plan === undefined ? finding : { ...finding, ...plan }];
  });
}

/** One is enough to do it: what is missing is that somebody works on it. */
function underWay({
  active,
  plans,
}: {
  active: RegisteredModel | undefined;
  plans: readonly MigrationPlan[];
}) {
  const plan = plans.find(({ targetSpec, wholeStore }) => wholeStore && active?.equals(targetSpec));
  if (plan === undefined) return undefined;
  const { planId } = plan;
  return {
    planId,
    severity: 'note' as const,
    remedy: `Plan ${planId} takes them along; runMigration works on it.`,
  };
}

const named = ({ modelId, version }: RegisteredModel) => `${modelId}:v${version}`;

/** The sentences are written for many. */
function singular(message: string, count: number): string {
  if (count !== 1) return message;
  const one: readonly (readonly [RegExp, string])[] = [
    [/^1 node (stamped \S+ )?hold vectors\b/, '1 node $1holds a vector'],
    [/^1 node are\b/, '1 node is'],
    [/^1 node have\b/, '1 node has'],
    [/^1 node had their text changed since their\b/, '1 node had its text changed since its'],
    [/ hold vectors\b/, ' holds a vector'],
    [/\bwhat they said\b/, 'what it said'],
    [/\bfind them\b/, 'find it'],
    [/\bfinds them\b/, 'finds it'],
    [/: they cannot be embedded, and fail\b/, ': it cannot be embedded, and fails'],
    [/, and fail in every plan to it/, ', and fails in every plan to it'],
  ];
  return one.reduce((text, [many, single]) => text.replace(many, single), message);
}

/** Vectors of several models where one search looks. */
export function mixedModels(
  counts: readonly {
    readonly label: string;
    readonly count: number;
    readonly model: RegisteredModel | undefined;
  }[],
  o: { active: RegisteredModel | undefined; plans: readonly MigrationPlan[] },
): Finding[] {
  if (counts.length < 2) return [];
  const shapes = counts.map(({ model }) => model && `${model.datatype} ${model.dimension}`);
  const isSilent = shapes.some((shape, index) => shape !== undefined && shapes.indexOf(shape) !== index);
  const list = counts.map(({ label, count }) => `${label} (${counted(count, 'node')})`);
  const plan = o.plans[0];
  const alike = isSilent ? ' Some are of equal length, so that no error would tell.' : '';
  return [
    {
      severity: plan !== undefined ? 'note' : isSilent ? 'error' : 'warning',
      code: 'MIXED_MODELS',
      count: counts.reduce((sum, { count }) => sum + count, 0),
      sample: [],
      message: `Vectors of ${counts.length} models lie under one search path: ${list.join(', ')}. A search that does not ask each model over its own nodes returns garbage.${alike}`,
      remedy:
        plan === undefined
          ? `searchAcrossModels keeps them apart until createMigration to ${o.active === undefined ? 'one of them' : named(o.active)} has brought them together.`
          : `searchAcrossModels keeps them apart until plan ${plan.planId} has brought them together.`,
      ...(plan && { planId: plan.planId }),
    },
  ];
}
