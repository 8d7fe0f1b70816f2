export type Payload = Record<string, unknown>;

function steps(path: string): readonly string[] {
  return path.match(/"[^"]*"|[^.[\]"]+|\[\d*\]/g)?.map((step) => step.replace(/^"|"$/g, '')) ?? [];
}

/** What stands at `a.b[].c` or `a.b[0]`, null and arrays included. */
export function rawAt(payload: unknown, path: string): readonly unknown[] {
  return steps(path).reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => stepInto(value, step)),
    [payload],
  );
}

/** The values there: an array counts as its elements. */
export function valuesAt(payload: unknown, path: string): readonly unknown[] {
  return rawAt(payload, path).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]));
}

function stepInto(value: unknown, step: string): readonly unknown[] {
  if (step === '[]') return Array.isArray(value) ? (value as unknown[]) : [];
  if (step.startsWith('[')) return Array.isArray(value) ? value.slice(+step.slice(1, -1)).slice(0, 1) : [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.hasOwn(value, step) ? [(value as Payload)[step]] : [];
}

/** Sets keys, or those below `key`; nothing but objects is walked through. */
export function mergePayload(payload: Payload, added: Payload, key?: string | null): Payload {
  if (!key) return { ...payload, ...added };
  const [first, ...rest] = steps(key);
  const inner = payload[first!];
  const below =
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Payload) : {};
  return { ...payload, [first!]: mergePayload(below, added, rest.join('.')) };
}

export function withoutKey(payload: Payload, path: string): Payload {
  const [first, ...rest] = steps(path);
  const { [first!]: inner, ...others } = payload;
  if (inner === undefined || rest.length === 0) return others;
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return payload;
  return { ...payload, [first!]: withoutKey(inner as Payload, rest.join('.')) };
}

/** The keys that a request asked for. */
export function selectPayload(payload: Payload, selector: unknown): Payload | undefined {
  if (selector === false || selector === undefined || selector === null) return undefined;
  if (selector === true) return payload;
  const { include, exclude } = (Array.isArray(selector) ? { include: selector } : selector) as {
    include?: readonly string[];
    exclude?: readonly string[];
  };
  if (exclude !== undefined) return exclude.reduce(withoutKey, payload);
  return (include ?? []).reduce<Payload>((kept, path) => keep(kept, payload, steps(path)), {});
}

function keep(kept: Payload, payload: Payload, [first, ...rest]: readonly string[]): Payload {
  if (first === undefined || !Object.hasOwn(payload, first)) return kept;
  const inner = payload[first];
  if (rest.length === 0) return { ...kept, [first]: inner };
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return kept;
  return { ...kept, [first]: keep((kept[first] ?? {}) as Payload, inner as Payload, rest) };
}
