/**
 * The client reads the first character of `Retry-After` alone ("37" becomes 3) and drops the header. Undici, which
 * carries its requests, publishes the headers of every answer; a request of ours is found there by an id of its
 * own.
 */
import { channel } from 'node:diagnostics_channel';

const ID_HEADER = 'x-embedding-registry-request';

interface HeadersMessage {
  readonly request?: { readonly headers?: unknown };
  readonly response?: { readonly statusCode?: number; readonly headers?: readonly unknown[] };
}

const answers = channel('undici:request:headers');

/** Runs a request with headers that name it; `seconds` is what its answer asked to wait, where it did. */
export async function withRetryAfter<T>(
  id: string,
  send: (headers: Record<string, string>) => Promise<T>,
  seconds: (seconds: number) => void,
): Promise<T> {
  const listen = (message: unknown) => {
    const { request, response } = message as HeadersMessage;
    if (response?.statusCode !== 429 || !String(request?.headers).includes(id)) return;
    const value = headerOf(response.headers ?? [], 'retry-after');
    if (value !== undefined && /^\d+$/.test(value)) seconds(Number(value));
  };
  answers.subscribe(listen);
  try {
    return await send({ [ID_HEADER]: id });
  } finally {
    answers.unsubscribe(listen);
  }
}

/** Names and values follow each other, as the bytes that came. */
function headerOf(headers: readonly unknown[], name: string): string | undefined {
  const index = headers.findIndex((part, at) => at % 2 === 0 && String(part).toLowerCase() === name);
  return index < 0 ? undefined : String(headers[index + 1]);
}
