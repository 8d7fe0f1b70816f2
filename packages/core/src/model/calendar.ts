/**
 * What providers announced of the ends of models, as a person would count the days: in whole days of UTC, so that
 * a date without a time is "today" all day long.
 */
import type { EmbeddingInfo, ModelRef, RegisteredModel } from './model-spec.ts';
import { qualifiedId } from './qualified-id.ts';

/** So many days ahead of a shutdown people are told, and then told louder. */
export const calendarDays = Object.freeze({ notice: 90, warning: 30, urgent: 7 });

/** What the calendar says of one model that is in use. */
export interface CalendarEntry extends ModelRef {
  /** `shutDown`: its date has come; `closing`: it comes within 90 days; `deprecated`: no such date is near. */
  readonly phase: 'deprecated' | 'closing' | 'shutDown';
  /** `warning` from 30 days ahead, `urgent` from 7 days ahead and ever after. */
  readonly urgency: 'notice' | 'warning' | 'urgent';
  /** The note that says so, as it was written: `shutdownAt`, or `deprecatedAt` under `deprecated`. */
  readonly date: string;
  /** Days from now to that date: 1 is tomorrow, 0 today, and below 0 it is past. */
  readonly daysLeft: number;
  /** Nodes whose vectors this model made; undefined where nobody counted. */
  readonly nodes?: number;
  readonly isActive: boolean;
  /** What the provider names in its place. */
  readonly successor?: ModelRef;
  /** A registered model of that name, so that a migration can be planned at once. */
  readonly isSuccessorRegistered: boolean;
  /** One sentence for people: which model, what, and when. */
  readonly message: string;
}

/** What the calendar asks of a model: a registered one, or its data. */
export type CalendarModel = Pick<
  RegisteredModel,
  'modelId' | 'version' | 'checksum' | 'isActive' | 'deprecatedAt' | 'shutdownAt' | 'successor'
>;

type Count = { readonly info?: EmbeddingInfo; readonly count: number };

/**
 * The models in use whose end is announced, the nearest end first. A model is in use while it is active or, by
 * `counts` (of `NodeStore.countByModel`), has made vectors that are still stored; without counts every model is.
 * @param now milliseconds since the epoch
 */
export function calendarOf(
  models: readonly CalendarModel[],
  options: { readonly now: number; readonly counts?: readonly Count[] },
): readonly CalendarEntry[] {
  const entries = models.flatMap((model): CalendarEntry[] => {
    const nodes = options.counts && nodesOf(model, options.counts);
    const isUnused = nodes === 0 && !model.isActive;
    const end = isUnused ? undefined : endOf(model, options.now);
    if (end === undefined) return [];
    const { modelId, version, isActive, successor } = model;
    const isSuccessorRegistered =
      successor !== undefined && models.some((other) => isSame(other, successor) && !isSame(other, model));
    const message = sentence(model, end);
    return [
      {
        modelId,
        version,
        ...end,
        ...(nodes !== undefined && { nodes }),
        isActive,
        ...(successor && { successor }),
        isSuccessorRegistered,
        message,
      },
    ];
  });
  return entries.sort((a, b) => rank[a.phase] - rank[b.phase] || a.daysLeft - b.daysLeft);
}

const rank = { shutDown: 0, closing: 1, deprecated: 2 };

type End = Pick<CalendarEntry, 'phase' | 'urgency' | 'date' | 'daysLeft'>;

function endOf({ shutdownAt, deprecatedAt }: CalendarModel, now: number): End | undefined {
  const toShutdown = daysUntil(shutdownAt, now);
  if (shutdownAt !== undefined && toShutdown !== undefined && toShutdown <= calendarDays.notice) {
    const phase = Date.parse(shutdownAt) <= now ? 'shutDown' : 'closing';
    return { phase, urgency: urgencyOf(toShutdown), date: shutdownAt, daysLeft: toShutdown };
  }
  const toDeprecation = daysUntil(deprecatedAt, now);
  if (deprecatedAt === undefined || toDeprecation === undefined) return undefined;
  if (toDeprecation > calendarDays.notice) return undefined;
  return { phase: 'deprecated', urgency: 'notice', date: deprecatedAt, daysLeft: toDeprecation };
}

function urgencyOf(days: number): CalendarEntry['urgency'] {
  if (days <= calendarDays.urgent) return 'urgent';
  return days <= calendarDays.warning ? 'warning' : 'notice';
}

const DAY_MS = 86_400_000;

/** Undefined too for what an older version let in as a date and is none. */
function daysUntil(date: string | undefined, now: number): number | undefined {
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / DAY_MS) - Math.floor(now / DAY_MS);
}

function nodesOf(model: CalendarModel, counts: readonly Count[]): number {
  const made = counts.filter(
    ({ info }) =>
      info?.embeddingModelId === model.modelId &&
      info.embeddingVersion === model.version &&
      (info.embeddingChecksum === '' || info.embeddingChecksum === model.checksum),
  );
  return made.reduce((sum, { count }) => sum + count, 0);
}

const isSame = (a: ModelRef, b: ModelRef) => a.modelId === b.modelId && a.version === b.version;

function sentence({ modelId, version, checksum }: CalendarModel, { phase, date, daysLeft }: End): string {
  const model = qualifiedId(modelId, version, checksum);
  const what = {
    shutDown: 'was shut down',
    closing: 'shuts down',
    deprecated: daysLeft > 0 ? 'will be deprecated' : 'has been deprecated',
  }[phase];
  const since = phase === 'deprecated' && daysLeft <= 0 ? ' since' : ' on';
  return `${model} ${what}${since} ${date.slice(0, 10)} (${inDays(daysLeft)}).`;
}

function inDays(days: number): string {
  if (days === 0) return 'today';
  if (Math.abs(days) === 1) return days > 0 ? 'tomorrow' : 'yesterday';
  return days > 0 ? `in ${days} days` : `${-days} days ago`;
}
