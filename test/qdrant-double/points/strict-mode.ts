import { strictMode as refused } from '../http/server-error.ts';
import { type Condition, type Filter, listOf } from './filter.ts';

export interface PayloadIndex {
  readonly type: string;
  readonly params: Readonly<Record<string, unknown>> | undefined;
}

/** The limits of a collection that this server keeps. */
export interface StrictMode {
  enabled?: boolean | null;
  max_query_limit?: number | null;
  max_timeout?: number | null;
  unindexed_filtering_retrieve?: boolean | null;
  unindexed_filtering_update?: boolean | null;
  upsert_max_batchsize?: number | null;
  filter_max_conditions?: number | null;
  condition_max_size?: number | null;
  max_points_count?: number | null;
  max_payload_index_count?: number | null;
}

/** What a collection says of itself, as far as its limits look at it. */
interface Limited {
  readonly strictMode: StrictMode;
  readonly indexes: ReadonlyMap<string, PayloadIndex>;
  readonly size: number;
}

export function checkLimit(value: number | undefined, limit: number | null | undefined, name: string): void {
  if (limit == null || value === undefined || value <= limit) return;
  throw refused(
    `Limit exceeded ${value} > ${limit} for "${name}"`,
    `Reduce the "${name}" parameter to or below ${limit}.`,
  );
}

/** A read: its filter needs indexes where the collection says so, its page has a largest size. */
export function checkRead(
  { strictMode, indexes }: Limited,
  filter: Filter | null | undefined,
  limit?: number,
) {
  if (!strictMode.enabled) return;
  checkLimit(limit, strictMode.max_query_limit, 'limit');
  checkFilter(filter, strictMode, indexes, strictMode.unindexed_filtering_retrieve);
}

/** A write: the filter that selects its points (never an `update_filter`), and how many points it carries. */
export function checkWrite(collection: Limited, filter: Filter | null | undefined, points?: number): void {
  const { strictMode, indexes, size } = collection;
  if (!strictMode.enabled) return;
  checkLimit(points, strictMode.upsert_max_batchsize, 'upsert limit');
  checkFilter(filter, strictMode, indexes, strictMode.unindexed_filtering_update);
  const most = strictMode.max_points_count;
  if (points === undefined || most == null || size < most) return;
  throw refused(`Max points count limit of ${most} reached`, 'Delete points or raise the limit.');
}

export function checkIndexCount({ strictMode, indexes }: Limited): void {
  const most = strictMode.enabled ? strictMode.max_payload_index_count : undefined;
  if (most == null || indexes.size < most) return;
  throw refused(`Collection already has the maximum number of payload indices (${most})`, 'Remove one.');
}

function checkFilter(
  filter: Filter | null | undefined,
  limits: StrictMode,
  indexes: ReadonlyMap<string, PayloadIndex>,
  unindexed: boolean | null | undefined,
): void {
  if (!filter) return;
  const conditions = conditionsOf(filter);
  checkCount(conditions, limits);
  if (unindexed !== false) return;
  for (const { key, types } of conditions.flatMap(needed)) {
    if (types.some((type) => serves(indexes.get(key), type))) continue;
    throw refused(
      `Index required but not found for "${key}" of one of the following types: [${types.join(', ')}]`,
      'Create an index for this key or use a different filter.',
    );
  }
}

function checkCount(conditions: readonly Condition[], limits: StrictMode): void {
  const [most, largest] = [limits.filter_max_conditions, limits.condition_max_size];
  if (most != null && conditions.length > most) {
    throw refused(
      `Filter condition limit reached (${conditions.length} > ${most})`,
      'Reduce the amount of conditions of your filter.',
    );
  }
  const size = Math.max(
    0,
    ...conditions.map(({ match, has_id }) => (match?.any ?? match?.except ?? has_id ?? []).length),
  );
  if (largest == null || size <= largest) return;
  throw refused(`Condition size limit reached (${size} > ${largest})`, 'Reduce the size of your condition.');
}

function conditionsOf(filter: Filter, prefix = ''): readonly Condition[] {
  const { must, must_not, should, min_should } = filter;
  const all = [...listOf(must), ...listOf(must_not), ...listOf(should), ...(min_should?.conditions ?? [])];
  return all.flatMap((condition) => {
    if (condition.nested) return conditionsOf(condition.nested.filter, `${prefix}${condition.nested.key}[].`);
    const inner = conditionsOf(condition, prefix);
    if (inner.length > 0) return inner;
    return [condition.key === undefined ? condition : { ...condition, key: prefix + condition.key }];
  });
}

const anyIndex = ['keyword', 'integer', 'integer range', 'float', 'datetime', 'uuid', 'bool', 'text', 'geo'];

/** What kind of index each condition asks for; conditions on ids and vectors ask for none. */
function needed(condition: Condition): readonly { key: string; types: readonly string[] }[] {
  const { key, match, range, is_empty, is_null } = condition;
  for (const field of [is_empty, is_null]) {
    if (typeof field === 'object' && field) return [{ key: field.key, types: anyIndex }];
  }
  if (key === undefined) return [];
  if (range) {
    const dates = Object.values(range).some((bound) => typeof bound === 'string');
    return [{ key, types: dates ? ['datetime'] : ['float', 'integer range'] }];
  }
  if (!match) return [{ key, types: anyIndex }];
  const list = match.any ?? match.except;
  if (list?.length === 0) return [];
  const value = match.value ?? list?.[0];
  if (value === undefined)
    return [{ key, types: match.prefix === undefined ? ['text'] : ['keyword prefix'] }];
  if (typeof value === 'boolean') return [{ key, types: ['bool'] }];
  return [{ key, types: typeof value === 'string' ? ['keyword', 'uuid'] : ['integer'] }];
}

function serves(index: PayloadIndex | undefined, type: string): boolean {
  if (index === undefined) return false;
  if (index.type === 'integer') {
    const { lookup = true, range = true } = index.params ?? {};
    return (type === 'integer' && lookup !== false) || (type === 'integer range' && range !== false);
  }
  if (type === 'keyword prefix') return index.type === 'keyword' && index.params?.prefix === true;
  return index.type === type;
}
