import { type Clock, EmbedderError, type Json } from '@registry/core';
import { embedderFailure } from '../adapters/failures.ts';
import { fieldsOf } from '../adapters/fields.ts';
import { billedTokens, failureOfBody, vectorsOfAnswer } from './answer.ts';

/** Where requests go, and with what. */
export interface Endpoint {
  /** Address of `/embeddings`. */
  readonly url: string;
  readonly model: string;
  readonly apiKey: (() => string | undefined | Promise<string | undefined>) | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

type Body = { readonly [key: string]: Json };

/** What one call may be ended by, and whom it tells what it cost. */
interface CallOptions {
  readonly signal: AbortSignal | undefined;
  readonly onBilled: ((tokens: number) => void) | undefined;
}

/** Asks a server for vectors; remembers that it cannot send them as base64. */
export class EmbeddingRequests {
  readonly #endpoint: Endpoint;
  #takesEncoding = true;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Vectors in the order of the texts, their shape unchecked. @throws EmbedderError, or the signal's reason */
  async embed(texts: string[], body: Body, call: CallOptions): Promise<unknown[]> {
    const key = await keyOf(this.#endpoint);
    const asksEncoding = this.#takesEncoding && !('encoding_format' in body);
    const encoding = asksEncoding ? { encoding_format: 'base64' } : {};
    const answer = await this.#post(
      { ...encoding, ...body, model: this.#endpoint.model, input: texts },
      key,
      call.signal,
    );
    if (answer.status >= 200 && answer.status < 300 && !isFailure(answer.body)) {
      const billed = billedTokens(answer.body);
      if (billed !== undefined) call.onBilled?.(billed);
      return vectorsOfAnswer(parsed(answer), texts.length);
    }
    const told = failureOfBody(answer.body);
    if (asksEncoding && refusesEncoding(answer.status, told)) {
      this.#takesEncoding = false;
      return this.embed(texts, body, call);
    }
    const { code } = fieldsOf(fieldsOf(answer.body).error);
    const status = answer.status < 300 ? (typeof code === 'number' ? code : 500) : answer.status;
    const header = (name: string) => answer.headers.get(name);
    throw embedderFailure({ ...told, status, header }, this.#endpoint.clock, { texts, key });
  }

  async #post(
    body: Body & { input: string[] },
    key: string | undefined,
    outer: AbortSignal | undefined,
  ): Promise<Answer> {
    outer?.throwIfAborted();
    const { url, clock, timeoutMs } = this.#endpoint;
    const calling = new AbortController();
    const napping = new AbortController();
    // Not `AbortSignal.any`, which a signal that lives long remembers for as long.
    const onAbort = () => calling.abort(outer?.reason);
    outer?.addEventListener('abort', onAbort, { once: true });
    const nap = clock.sleep(timeoutMs, napping.signal).then(() => {
      if (!napping.signal.aborted) calling.abort();
    });
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        body: JSON.stringify(body),
        // A key goes nowhere else.
        redirect: 'manual',
        signal: calling.signal,
      });
      return answerOf(response, await textOf(response, body.input.length));
    } catch (error) {
      outer?.throwIfAborted();
      if (error instanceof EmbedderError) throw error;
      if (calling.signal.aborted)
        throw new EmbedderError('transient', `The server did not answer within ${timeoutMs / 1000} s.`);
      throw connectionFailure(error);
    } finally {
      outer?.removeEventListener('abort', onAbort);
      napping.abort();
      await nap;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  readonly body: unknown;
}

const KIBIBYTE = 2 ** 10;
const MEBIBYTE = 2 ** 20;
/** A vector of 16,384 elements as JSON writes them. */
const BYTES_OF_VECTOR = 512 * KIBIBYTE;
/** A longer sentence tells nobody more. */
const BYTES_OF_FAILURE = 64 * KIBIBYTE;
const BYTES_AT_MOST = 256 * MEBIBYTE;

/** An answer takes no more memory than vectors can need, however much is sent, and however well it was packed. */
async function textOf({ ok, body }: Response, count: number): Promise<string> {
  const atMost = ok ? Math.min(BYTES_AT_MOST, MEBIBYTE + count * BYTES_OF_VECTOR) : BYTES_OF_FAILURE;
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    // Status and headers say enough of a failure.
    if (bytes > atMost && !ok) return '';
    if (bytes > atMost)
      throw new EmbedderError(
        'fatal',
        `The server answered more than ${atMost} bytes for ${count} texts; does it speak the protocol of OpenAI? Check baseURL.`,
      );
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

function answerOf({ status, headers }: Response, text: string): Answer {
  try {
    return { status, headers, text, body: JSON.parse(text) };
  } catch {
    return { status, headers, text, body: undefined };
  }
}

function parsed({ body, text }: Answer): unknown {
  if (body !== undefined) return body;
  const what = text === '' ? 'nothing' : 'something that is not JSON';
  // A proxy, or a server that is starting: it may answer properly later.
  throw new EmbedderError('transient', `The server answered ${what}; check baseURL if this goes on.`);
}

/** Some gateways answer a failure with 200. */
function isFailure(body: unknown): boolean {
  const { data, error } = fieldsOf(body);
  return data === undefined && error !== undefined && error !== null;
}

function refusesEncoding(
  status: number,
  { message = '', param = '' }: ReturnType<typeof failureOfBody>,
): boolean {
  return [400, 415, 422, 500, 501].includes(status) && /encoding_format|base64/i.test(`${param} ${message}`);
}

/** A key that cannot be had, or be sent, concerns every text. The error says nothing that might be the key. */
async function keyOf({ apiKey }: Endpoint): Promise<string | undefined> {
  if (apiKey === undefined) return undefined;
  let key: unknown;
  try {
    key = await apiKey();
  } catch {
    throw new EmbedderError('fatal', 'The function apiKey failed; make it return the key.');
  }
  if (typeof key !== 'string' || key === '')
    throw new EmbedderError(
      'fatal',
      'The function apiKey returned no key; is the variable set that it reads?',
    );
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new EmbedderError(
      'fatal',
      'The key that apiKey returned holds a blank, a line break or another sign that no header can hold.',
    );
  return key;
}

/** Certificates do not mend themselves. The code is all that is told: an address may hold secrets. */
function connectionFailure(error: unknown): EmbedderError {
  const cause = fieldsOf(fieldsOf(error).cause);
  const code = typeof cause.code === 'string' ? cause.code : undefined;
  if (code !== undefined && /CERT|SIGNED|^ERR_(TLS|SSL)/.test(code))
    return new EmbedderError(
      'fatal',
      `The connection is not trusted (${code}); check the certificate of the server.`,
      {
        details: { code },
      },
    );
  const what = code === 'ECONNREFUSED' ? 'Nothing listens at the address' : 'The connection failed';
  return new EmbedderError('transient', `${what}${code ? ` (${code})` : ''}; is the server running?`, {
    ...(code !== undefined && { details: { code } }),
  });
}
