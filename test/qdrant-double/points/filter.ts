import { createHash } from 'node:crypto';
import { invalid } from '../http/server-error.ts';
import { type Payload, rawAt, valuesAt } from './payload-path.ts';
import { canonicalId, type PointId } from './point-id.ts';

/** What a filter may look at. */
export interface FilteredPoint {
  readonly id: PointId;
  readonly payload: Payload;
  readonly vectors: ReadonlyMap<string, unknown>;
}

type Scalar = string | number | bigint | boolean;
type Bounds = Partial<Record<'lt' | 'lte' | 'gt' | 'gte', number | string | null>>;

/** A condition as it comes in a request, already valid by the schemas. */
export interface Condition extends Filter {
  key?: string;
  match?: Partial<Record<'value' | 'text' | 'text_any' | 'phrase' | 'prefix', Scalar>> & {
    any?: readonly Scalar[];
    except?: readonly Scalar[];
  };
  range?: Bounds | null;
  values_count?: Bounds | null;
  is_empty?: { key: string } | boolean | null;
  is_null?: { key: string } | boolean | null;
  has_id?: readonly PointId[];
  has_vector?: string;
  slice?: { index: number; total: number };
  nested?: { key: string; filter: Filter };
}

export interface Filter {
  must?: Condition | readonly Condition[] | null;
  must_not?: Condition | readonly Condition[] | null;
  should?: Condition | readonly Condition[] | null;
  min_should?: { conditions: readonly Condition[]; min_count: number } | null;
}

export function listOf(
  conditions: Condition | readonly Condition[] | null | undefined,
): readonly Condition[] {
  return conditions === null || conditions === undefined ? [] : [conditions].flat();
}

/** Whether the point passes; texts that have an index of type text are compared by words. */
export function matches(
  point: FilteredPoint,
  filter: Filter | null | undefined,
  textKeys: ReadonlySet<string>,
): boolean {
  const holds = (condition: Condition) => conditionHolds(point, condition, textKeys);
  const { must, must_not, should, min_should } = filter ?? {};
  const choices = listOf(should);
  return (
    listOf(must).every(holds) &&
    !listOf(must_not).some(holds) &&
    (choices.length === 0 || choices.some(holds)) &&
    (!min_should || min_should.conditions.filter(holds).length >= min_should.min_count)
  );
}

function conditionHolds(point: FilteredPoint, condition: Condition, textKeys: ReadonlySet<string>): boolean {
  const { has_id, has_vector, slice, nested, key } = condition;
  if (has_id) return has_id.map(canonicalId).includes(point.id);
  if (has_vector !== undefined) return point.vectors.has(has_vector);
  if (slice) return sliceOf(point.id, slice.total) === slice.index;
  if (key !== undefined) return fieldHolds(point.payload, key, condition, textKeys);
  if (nested) return nestedHolds(point, nested, textKeys);
  const { is_empty, is_null } = condition;
  if (typeof is_empty === 'object' && is_empty) return isEmpty(point.payload, is_empty.key);
  if (typeof is_null === 'object' && is_null) return isNull(point.payload, is_null.key);
  return matches(point, condition, textKeys);
}

function fieldHolds(payload: Payload, key: string, condition: Condition, textKeys: ReadonlySet<string>) {
  const { match, range, values_count, is_empty, is_null } = condition;
  const values = valuesAt(payload, key);
  if (match) return values.some((value) => valueMatches(value, match, textKeys.has(key)));
  if (range) return values.some((value) => within(value, range));
  if (values_count) return within(values.length, values_count);
  if (typeof is_empty === 'boolean') return isEmpty(payload, key) === is_empty;
  if (typeof is_null === 'boolean') return isNull(payload, key) === is_null;
  throw invalid(`the condition on "${key}" says nothing that this server knows`);
}

function nestedHolds(
  point: FilteredPoint,
  nested: { key: string; filter: Filter },
  textKeys: ReadonlySet<string>,
) {
  const elements = valuesAt(point.payload, nested.key);
  return elements.some((payload) =>
    matches({ ...point, payload: payload as Payload }, nested.filter, textKeys),
  );
}

function isEmpty(payload: Payload, key: string): boolean {
  return valuesAt(payload, key).every((value) => value === null);
}

function isNull(payload: Payload, key: string): boolean {
  return rawAt(payload, key).some((value) => value === null);
}

const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function valueMatches(value: unknown, match: NonNullable<Condition['match']>, byWords: boolean): boolean {
  if (match.value !== undefined) return same(value, match.value);
  if (match.any) return match.any.some((wanted) => same(value, wanted));
  if (match.except) return !match.except.some((unwanted) => same(value, unwanted));
  if (typeof value !== 'string') return false;
  if (match.prefix !== undefined) return value.startsWith(String(match.prefix));
  const text = String(match.text ?? match.text_any ?? match.phrase);
  if (!byWords) return value.includes(text);
  const present = new Set(words(value));
  if (match.text_any !== undefined) return words(text).some((word) => present.has(word));
  if (match.phrase !== undefined) return ` ${words(value).join(' ')} `.includes(` ${words(text).join(' ')} `);
  return words(text).every((word) => present.has(word));
}

/** Numbers are equal by value, whether they came as number or as bigint. */
function same(value: unknown, wanted: Scalar): boolean {
  if (typeof value === 'bigint' || typeof wanted === 'bigint') return String(value) === String(wanted);
  return value === wanted;
}

function within(value: unknown, { lt, lte, gt, gte }: Bounds): boolean {
  const asDate = [lt, lte, gt, gte].some((bound) => typeof bound === 'string');
  if (typeof value !== (asDate ? 'string' : 'number') && typeof value !== 'bigint') return false;
  const number = (of: unknown) => (asDate ? Date.parse(String(of)) : Number(of));
  const at = number(value);
  return (
    (lt == null || at < number(lt)) &&
    (lte == null || at <= number(lte)) &&
    (gt == null || at > number(gt)) &&
    (gte == null || at >= number(gte))
  );
}

/** Some stable partition of the ids; the server's own is another hash. */
function sliceOf(id: PointId, total: number): number {
  return createHash('sha256').update(String(id)).digest().readUInt32BE() % total;
}
