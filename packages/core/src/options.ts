import type * as z from 'zod';
import { RegistryError, type RegistryErrorCode } from './errors.ts';

/**
 * Parses what a caller passed.
 * @throws RegistryError with `code`, naming each field, what it held and what is allowed.
 */
export function parseOptions<T extends z.ZodType>(
  schema: T,
  value: unknown,
  what: string,
  code: RegistryErrorCode = 'SPEC_INVALID',
): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue) => issuesOf(issue, value));
  const text = issues.map(({ path, problem, received }) =>
    received === undefined ? `${path} ${problem}` : `${path || 'value'} ${problem} (was ${received})`,
  );
  throw new RegistryError(code, `Invalid ${what}: ${text.join('; ')}.`, { details: { issues } });
}

interface OptionIssue {
  readonly path: string;
  readonly problem: string;
  /** Not told of an option that is unknown: a key of a service may stand there. */
  readonly received?: string;
}

function issuesOf(issue: z.core.$ZodIssue, value: unknown): readonly OptionIssue[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...issue.path, key].join('.'),
      problem: 'is not known; leave it out, or look how it is spelled',
    }));
  return [{ path: issue.path.join('.'), problem: issue.message, received: shown(at(value, issue.path)) }];
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

/** Objects are not spelled out: they may hold contents, secrets or circles. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text;
}
