interface ReviverContext {
  readonly source?: string;
}

type Reviver = (this: unknown, key: string, value: unknown, context: ReviverContext) => unknown;

const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Where an integer may stand that is too large for a number; a reviver takes twenty times as long. */
const longInteger = /[[:,\s-]\d{16}/;

/** JSON in which an integer beyond 2^53 is a bigint, as the server's unsigned 64-bit integers need. */
export function parseJson(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text) as unknown;
  return parse(text, (_, value, { source }) => {
    const rounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded && /^-?\d+$/.test(source ?? '') ? BigInt(source!) : value;
  });
}

/** The shortest decimal that a reader of 32-bit floats takes for this one: how the server prints them. */
export function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}

export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? rawJSON(String(part)) : part,
  );
}
