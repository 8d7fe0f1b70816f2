import { isRegistryError, RegistryError, type RegistryErrorCode } from '@registry/core';
import { harmlessText } from '@registry/core/harmless-text';

/** What a failed request means for the one who sent it. */
export type Failure =
  /** Nothing happened, and the same request may succeed in a while. */
  | { readonly kind: 'busy'; readonly error: RegistryError; readonly retryAfterMs?: number }
  /** It may have happened or may still happen: read back before it is repeated. */
  | { readonly kind: 'unknown'; readonly error: RegistryError }
  /** Larger than the collection's whole rate: only smaller requests can pass. */
  | { readonly kind: 'tooLarge'; readonly error: RegistryError }
  | { readonly kind: 'refused'; readonly error: RegistryError };

const MESSAGE_LIMIT = 300;
/** A gateway may repeat what it was sent. */
const keys = /\b(bearer\s+|api[-_]?key\W+|(?=eyJ|sk-))[\w.~+/=-]{16,}/gi;

interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly status?: number;
  readonly data?: { readonly status?: { readonly error?: string } };
  readonly retry_after?: number;
  readonly cause?: { readonly code?: string };
}

/** Neither error class of the client is exported, so errors are told by their shape. */
export function failureOf(thrown: unknown, operation: string, retryAfterSeconds?: number): Failure {
  if (isRegistryError(thrown)) return { kind: 'refused', error: thrown };
  const { name, status, data, retry_after, cause } = (thrown ?? {}) as Thrown;
  const text = quoted(data?.status?.error ?? (thrown as Thrown)?.message ?? String(thrown));
  const fail = (code: RegistryErrorCode, message: string) =>
    new RegistryError(code, message, {
      // The client's error of an answer holds the whole of it, which may repeat texts and keys.
      cause: status === undefined ? thrown : undefined,
      details: { operation, ...(status && { status }) },
    });
  // Its class has no status: a 429 whose Retry-After the client has cut to one digit.
  if (retry_after !== undefined || (status === 429 && retryAfterSeconds !== undefined))
    return {
      kind: 'busy',
      error: fail('RATE_LIMITED', 'Qdrant asks for fewer requests to this collection.'),
      retryAfterMs: (retryAfterSeconds ?? retry_after ?? 1) * 1000,
    };
  if (status === undefined) {
    const code = cause?.code ?? '';
    const error = fail(
      'SERVER_UNREACHABLE',
      `Qdrant did not answer (${code || name || 'no answer'}); check address, port and network.`,
    );
    return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code)
      ? { kind: 'busy', error }
      : { kind: 'unknown', error };
  }
  if (status === 429)
    return {
      kind: 'tooLarge',
      error: fail('STRICT_MODE', `One request is more than the collection's rate limit allows: ${text}.`),
    };
  if (status === 408 || (status >= 500 && status !== 507))
    return { kind: 'unknown', error: fail('SERVER_FAILED', `Qdrant failed with ${status}: ${text}.`) };
  return { kind: 'refused', error: refusal(status, text, fail) };
}

/** What a server says, as a part of one line. */
function quoted(said: unknown): string {
  const line = String(said).slice(0, MESSAGE_LIMIT).replaceAll(/\s+/g, ' ').replaceAll(keys, '$1…');
  return harmlessText(line);
}

function refusal(
  status: number,
  text: string,
  fail: (code: RegistryErrorCode, message: string) => RegistryError,
): RegistryError {
  if (status === 401 || status === 403)
    return fail(
      'SERVER_DENIED',
      `Qdrant refused the key (${status}); pass the client one that may write this collection.`,
    );
  if (status === 507)
    return fail('QUOTA_EXCEEDED', `Qdrant has no room left: ${text}. Make room, then resume.`);
  if (status === 404 && /collection|alias/i.test(text))
    return fail('COLLECTION_UNKNOWN', `${text}; check the name, or let ensureCollections make it.`);
  if (status === 400 && /index required|strict mode|limit exceeded|limit reached|limit of/i.test(text))
    return fail(
      'STRICT_MODE',
      `The collection's strict mode forbids this: ${text}. Index the field, or loosen the limit.`,
    );
  if (status >= 200 && status < 300)
    return fail('SERVER_FAILED', `Qdrant answered ${status}, which says nothing of the outcome.`);
  return fail('SERVER_FAILED', `Qdrant refused with ${status}: ${text}.`);
}

/** The HTTP status behind an error of this package. */
export function statusOf(error: unknown): number | undefined {
  const status = isRegistryError(error) ? error.details.status : undefined;
  return typeof status === 'number' ? status : undefined;
}
