import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import type { SpecFields } from '../model/model-spec.ts';
import type { Strategy } from '../model/status.ts';
import type { StrategyChoice } from '../ports/node-store.ts';

/** What a plan is asked to do, as far as its strategy depends on it. */
export interface PlanWish {
  readonly source: SpecFields | undefined;
  readonly target: SpecFields;
  readonly wanted: Strategy | undefined;
  readonly isPartial: boolean;
}

/**
 * The strategy of a plan and why: what was asked for where the store can do that safely, else what the store
 * prefers. Nothing is written for it.
 * @throws RegistryError `STRATEGY_UNSUITABLE`, and what the store refuses
 */
export async function chooseStrategy(
  { nodes }: Pick<ManagerContext, 'nodes'>,
  { source, target, wanted, isPartial }: PlanWish,
): Promise<Partial<StrategyChoice> & Pick<StrategyChoice, 'strategy'>> {
  if (wanted === 'shadow' && isPartial)
    throw unsuitable(
      wanted,
      'Strategy shadow moves a whole collection, so it goes with neither nodeIds nor where; leave them out, or choose inPlace or namedVector.',
    );
  const choice = await nodes?.chooseStrategy?.({
    target,
    isPartial,
    ...(source !== undefined && { source }),
    ...(wanted !== undefined && { wanted }),
  });
  // Asked after the store, which knows why not: a server that is too old, say.
  const offered = nodes?.capabilities.strategies ?? ['inPlace'];
  if (wanted !== undefined && !offered.includes(wanted))
    throw unsuitable(wanted, `The node store offers ${offered.join(', ')}, not ${wanted}; leave it out.`);
  if (choice !== undefined) return choice;
  const strategy = wanted ?? 'inPlace';
  if (strategy === 'inPlace' || nodes?.sideBySide !== undefined) return { strategy };
  throw unsuitable(strategy, `The node store says that it offers ${strategy}, and has no sideBySide.`);
}

function unsuitable(strategy: Strategy, message: string): RegistryError {
  return new RegistryError('STRATEGY_UNSUITABLE', message, { details: { strategy } });
}
