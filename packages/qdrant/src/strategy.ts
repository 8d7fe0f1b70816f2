import {
  RegistryError,
  type SpecFields,
  type Strategy,
  type StrategyChoice,
  type StrategyWish,
} from '@registry/core';
import { misfit, vectorConfigOf } from './collection/layout.ts';
import { countUnstamped } from './points/counting.ts';
import { assertSince, since } from './server/version.ts';
import type { ServedPlace, StorePlace } from './store-place.ts';

/** What the server can do; whether the collection allows it is told for each plan. */
export function offeredStrategies({ version }: StorePlace): readonly Strategy[] {
  const minor = version?.minor ?? Number.MAX_SAFE_INTEGER;
  return [
    ...(minor >= since.updateModes ? (['shadow'] as const) : []),
    'inPlace',
    ...(minor >= since.vectorNames ? (['namedVector'] as const) : []),
  ];
}

/**
 * What was asked for, where it is safe; else a second collection behind the alias, which suits everything but a
 * part of the nodes.
 * @throws RegistryError `STRATEGY_UNSUITABLE`, `SERVER_TOO_OLD`, `STRICT_MODE`, `STAMPS_MISSING`,
 * `DIMENSIONS_MIXED`
 */
export async function chooseStrategy(store: StorePlace, wish: StrategyWish): Promise<StrategyChoice> {
  // Limits and names may have changed since they were last looked at.
  store.moved();
  const place = await store.now();
  vectorConfigOf(wish.target);
  assertOneLength(place, wish.source);
  await assertStamped(place);
  if (wish.wanted !== undefined) {
    await assertSuitable(store, place, wish.wanted, wish);
    return { strategy: wish.wanted, why: 'It was asked for, and collection and server allow it.' };
  }
  const reasons: string[] = [];
  for (const strategy of wish.isPartial ? (['namedVector'] as const) : (['shadow', 'namedVector'] as const))
    try {
      await assertSuitable(store, place, strategy, wish);
      return { strategy, why: [...reasons, whyChosen[strategy]].join(' ') };
    } catch (error) {
      if (!isSuitability(error)) throw error;
      reasons.push(`Not ${strategy}: ${error.message}`);
    }
  throw unsuitable(
    `No strategy suits by itself. ${reasons.join(' ')} In place would be possible only where asked for (strategy: 'inPlace'), for vectors of equal length.`,
    'shadow',
  );
}

/** The way back embeds with the present model, whose vectors have to be those that stand there. */
function assertOneLength({ info, slot }: ServedPlace, source: SpecFields | undefined): void {
  const { size } = info.vectors[slot.vector]!;
  if (source === undefined || source.dimension === size) return;
  throw new RegistryError(
    'DIMENSIONS_MIXED',
    `Collection ${info.name} holds vectors of ${size}, and those of the active model ${source.modelId}:v${source.version} have ${source.dimension}. Register the model that made them, and make it the active one (switchActiveModel with migrateExisting: false).`,
    { details: { collection: info.name, size, dimension: source.dimension } },
  );
}

/** Of vectors that nobody knows the model of, none could be searched meanwhile, nor be added to on the way back. */
async function assertStamped(place: ServedPlace): Promise<void> {
  const unstamped = await countUnstamped(place);
  if (unstamped === 0) return;
  const { name } = place.info;
  throw new RegistryError(
    'STAMPS_MISSING',
    `None of the ${unstamped} vectors of collection ${name} carries a stamp, so nobody can say which model made them. Register that model, and declare it with stampNodes({ modelId, version }), which tries a sample first; where nobody has it any more, register it by name and pass sampleSize: 0.`,
    { details: { collection: name, unstamped } },
  );
}

const whyChosen: Readonly<Record<'shadow' | 'namedVector', string>> = {
  shadow:
    'A second collection behind the alias leaves the present vectors alone until one switch moves all readers.',
  namedVector:
    'A second vector on the same points leaves the present one alone until readers are told to use it.',
};

function isSuitability(error: unknown): error is RegistryError {
  const code = (error as { code?: string }).code;
  return code === 'STRATEGY_UNSUITABLE' || code === 'SERVER_TOO_OLD' || code === 'STRICT_MODE';
}

function unsuitable(message: string, strategy: Strategy): RegistryError {
  return new RegistryError('STRATEGY_UNSUITABLE', message, { details: { strategy } });
}

async function assertSuitable(
  store: StorePlace,
  place: ServedPlace,
  strategy: Strategy,
  wish: StrategyWish,
): Promise<void> {
  if (strategy === 'shadow') assertShadow(store, place);
  else if (strategy === 'namedVector') assertNamed(store, place);
  else assertInPlace(place, wish);
  if (strategy !== 'shadow') assertFilters(place);
}

function assertShadow({ version, collection }: StorePlace, { info }: ServedPlace): void {
  if (version !== undefined) assertSince(version, since.updateModes, 'A second collection (insert_only)');
  if (info.name === collection)
    throw unsuitable(
      `${JSON.stringify(collection)} is the collection's own name, and nothing can be switched behind it. Call putBehindAlias('a name'), let the application use that alias, and pass it as collection.`,
      'shadow',
    );
}

function assertNamed({ version }: StorePlace, { info }: ServedPlace): void {
  if (version !== undefined) assertSince(version, since.vectorNames, 'A second vector on the same points');
  if (info.isUnnamed)
    throw unsuitable(
      `The vector of collection ${info.name} has no name, so no second one can be put beside it safely; use shadow.`,
      'namedVector',
    );
}

/** Readers meet both models on the way, so it happens only where somebody says that they can tell them apart. */
function assertInPlace({ info, slot }: ServedPlace, { target }: StrategyWish): void {
  const why = misfit(info.vectors[slot.vector]!, target as SpecFields);
  if (why === undefined) return;
  throw unsuitable(
    `Collection ${info.name} cannot take the new vectors in place: ${why}; use shadow.`,
    'inPlace',
  );
}

/** Guards are filters on fields that have no index; a collection may forbid those. */
function assertFilters({ info, contents }: ServedPlace): void {
  if (info.strict.unindexed_filtering_update !== false) return;
  const lacking = [...contents.fields, 'embedding_write', 'embedding_hash', 'embedding_checksum'].filter(
    (field) => info.indexes[field]?.data_type !== 'keyword',
  );
  if (lacking.length === 0) return;
  throw new RegistryError(
    'STRICT_MODE',
    `Collection ${info.name} allows no write by a filter on a field without an index, and guards need ${lacking.join(', ')}; give them keyword indexes, or use shadow.`,
    { details: { collection: info.name, lacking } },
  );
}
