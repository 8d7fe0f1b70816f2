import { Ajv, type ValidateFunction } from 'ajv';
import { type ClientOperation, readClientTypes } from './client-types.ts';

/** An operation that the client can call, with the check of what it sends. */
export interface KnownOperation extends ClientOperation {
  /** What is wrong with a request, or undefined. */
  complaint(query: Readonly<Record<string, unknown>>, body: unknown): string | undefined;
}

const largestUnsigned64 = 2n ** 64n - 1n;

function isUnsigned64(value: unknown): boolean {
  if (typeof value === 'bigint') return value >= 0n && value <= largestUnsigned64;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function validators(definitions: Readonly<Record<string, object>>): Ajv {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, coerceTypes: false });
  ajv.addKeyword({ keyword: 'unsigned64', validate: (_: boolean, value: unknown) => isUnsigned64(value) });
  // A large integer arrives as bigint, also inside a vector of large numbers.
  ajv.addKeyword({
    keyword: 'number',
    validate: (_: boolean, value: unknown) => typeof value === 'number' || typeof value === 'bigint',
  });
  ajv.addSchema({ $id: 'client', definitions });
  return ajv;
}

/** `true` in a query string is the word; whole numbers too. */
function typed(query: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      if (value === 'true' || value === 'false') return [name, value === 'true'];
      return [name, /^\d+$/.test(String(value)) ? Number(value) : value];
    }),
  );
}

function know(ajv: Ajv, operation: ClientOperation): KnownOperation {
  const compiled = new Map<object, ValidateFunction>();
  const check = (schema: object, value: unknown): string | undefined => {
    const validate = compiled.get(schema) ?? ajv.compile(absolute(schema));
    compiled.set(schema, validate);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };
  return {
    ...operation,
    complaint: (query, body) => {
      const ofQuery = check(operation.query, typed(query));
      if (ofQuery !== undefined) return `query: ${ofQuery}`;
      if (operation.body !== undefined) return check(operation.body, body);
      return body === undefined ? undefined : 'a body where there is none';
    },
  };
}

/** References of an operation point into the shared definitions. */
function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"client#/definitions/')) as object;
}

let known: readonly KnownOperation[] | undefined;

/** The operations of the installed client, read once. */
export function knownOperations(): readonly KnownOperation[] {
  if (known === undefined) {
    const { definitions, operations } = readClientTypes();
    const ajv = validators(definitions);
    known = operations.map((operation) => know(ajv, operation));
  }
  return known;
}
