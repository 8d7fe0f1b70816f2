import { type Clock, RegistryError } from '@registry/core';
import { type Failure, failureOf } from './failure.ts';
import { withRetryAfter } from './retry-after.ts';

/**
 * The application's own client; of `@qdrant/js-client-rest` 1.16 to 1.x, or anything with its `api()`. The methods
 * beside that drop fields (`update_filter` of updateVectors), so none of them is used.
 */
export interface QdrantApiClient {
  api(): object;
}

type Operation = (
  payload: object,
  init: { headers: Record<string, string> },
) => Promise<{ readonly status: number; readonly data: { readonly result?: unknown } }>;

/** How a write ended, where it was not refused. */
export type WriteEnd =
  | { readonly kind: 'done'; readonly result: unknown }
  | Exclude<Failure, { kind: 'refused' }>;

const ATTEMPTS = 5;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;

/** Requests with retries of our own, since the client has none: a reset socket ends its call at once. */
export class Connection {
  readonly #client: QdrantApiClient;
  readonly clock: Clock;

  constructor(client: QdrantApiClient, clock: Clock) {
    this.#client = client;
    this.clock = clock;
  }

  async #send(name: string, payload: object): Promise<unknown> {
    const operation = (this.#client.api() as Readonly<Record<string, Operation | undefined>>)[name];
    if (operation === undefined)
      throw new RegistryError(
        'SERVER_TOO_OLD',
        `The Qdrant client knows no ${name}; use @qdrant/js-client-rest 1.16 or newer, and 1.18 for named vectors.`,
      );
    const id = this.clock.uuid();
    let asked: number | undefined;
    try {
      const answer = await withRetryAfter(
        id,
        (headers) => operation({ ...payload }, { headers }),
        (seconds) => {
          asked = seconds;
        },
      );
      return name === 'root' ? answer.data : answer.data.result;
    } catch (error) {
      throw Object.assign(new Refusal(), { failure: failureOf(error, name, asked) });
    }
  }

  /**
   * Asks again while the server is busy or cannot be reached; throws coded errors, or the signal's reason. The client
   * takes no signal: an answer that nobody waits for any more is left to come.
   */
  async read<T>(name: string, payload: object, signal?: AbortSignal): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const end = await orAbort(this.#try(name, payload), signal);
      if (end.kind === 'done') return end.result as T;
      if (end.kind === 'refused' || end.kind === 'tooLarge' || attempt + 1 >= ATTEMPTS) throw end.error;
      await this.pause(attempt, end, signal);
    }
  }

  /**
   * A change that may be repeated as it is, since it says how things are to be: collections, indexes, aliases,
   * metadata.
   */
  change<T>(name: string, payload: object): Promise<T> {
    return this.read<T>(name, payload);
  }

  /** One attempt at a write whose repetition its caller decides on. Throws what was refused. */
  async write(name: string, payload: object): Promise<WriteEnd> {
    const end = await this.#try(name, payload);
    if (end.kind === 'refused') throw end.error;
    return end.kind === 'done' && isWaiting(end.result) ? { kind: 'unknown', error: stillWaiting } : end;
  }

  async #try(name: string, payload: object): Promise<WriteEnd | Extract<Failure, { kind: 'refused' }>> {
    try {
      return { kind: 'done', result: await this.#send(name, payload) };
    } catch (error) {
      if (error instanceof Refusal) return error.failure;
      throw error;
    }
  }

  /** 250 ms doubled each time, less up to half of it; or as long as the server asked for. */
  async pause(
    attempt: number,
    end: { readonly retryAfterMs?: number } | object,
    signal?: AbortSignal,
  ): Promise<void> {
    const asked = 'retryAfterMs' in end ? (end.retryAfterMs ?? 0) : 0;
    const whole = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** attempt);
    await this.clock.sleep(Math.max(asked, Math.round(whole * (1 - this.clock.random() / 2))), signal);
  }
}

async function orAbort<T>(call: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return call;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** HTTP 200, and yet the write is still in the queue. */
function isWaiting(result: unknown): boolean {
  return [result].flat().some((part) => (part as { status?: string } | undefined)?.status === 'wait_timeout');
}

const stillWaiting = new RegistryError(
  'SERVER_FAILED',
  'Qdrant has not applied a write in time; it is queued still, and the server may be overloaded.',
);

/** Carries a failure out of one attempt. */
class Refusal extends Error {
  failure!: Failure;
}
