import { type Clock, EmbedderError, type EmbedderFailure, quotesContent } from '@registry/core';
import { harmlessText } from '@registry/core/harmless-text';
import { retryAfterMs } from './retry-after.ts';

/** A failed call, as far as the server told. */
export interface FailedCall {
  readonly status: number;
  readonly header: (name: string) => string | null | undefined;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly message?: string | undefined;
}

/** What must not come up in an error: what was sent, and the key it was sent with. */
export interface Confidential {
  readonly texts: readonly string[];
  readonly key?: string | undefined;
}

// https://platform.openai.com/docs/guides/error-codes: the code tells spent money from too many requests.
const noMoney =
  /^(insufficient_quota|billing_hard_limit_reached|billing_not_active|credit_balance_exhausted|insufficient_user_quota)$/;
const tooLong =
  /(context|sequence|input|prompt|token)[ _]?(length|limit|window)|too (long|many tokens)|maximum (input|context|allowed|number of tokens)|max(imum)?[ _](\w+[ _])?tokens|request too large/i;
const noModel =
  /\bmodel\b[^.]*\b(does not exist|not found|is not supported|is not loaded)|\b(unknown|invalid|no such) model\b/i;
const noKey = /api[ _-]?key|authentication failed|unauthorized/i;

/**
 * What a server's answer means. Status and code decide; the sentence of the server decides where they are used
 * for different things: Ollama answered an input that is too long with 500, Gemini a wrong key with 400, and
 * OpenAI a request over the tokens of a whole minute with 429, which no waiting cures.
 */
export function embedderFailure(call: FailedCall, clock: Clock, confidential: Confidential): EmbedderError {
  const [kind, advice] = verdict(call, confidential.texts);
  // A code is a name; whatever else stands in its place may hold anything.
  const names = [call.code, call.type].filter(
    (name) => name !== undefined && /^[\w.:-]{1,64}$/.test(name) && !tellsKey(name, confidential),
  );
  const message = `The server answered ${[...new Set([call.status, ...names])].join(', ')}: ${advice}.${saying(call, confidential)}`;
  const wait = kind === 'rateLimited' ? retryAfterMs(call.header, clock) : undefined;
  return new EmbedderError(kind, message, {
    details: { status: call.status, ...(names[0] && { code: names[0] }) },
    ...(wait !== undefined && { retryAfterMs: wait }),
  });
}

function verdict(call: FailedCall, texts: readonly string[]): readonly [EmbedderFailure, string] {
  const { status, code = '', type = '', message = '' } = call;
  if (status === 402 || noMoney.test(code) || noMoney.test(type))
    return ['fatal', 'the quota of the account is spent; add credit or raise its limit, then resume'];
  if (isTooLong(call)) return ['refused', 'a text, or all of them together, is longer than the model takes'];
  if (status === 429) return ['rateLimited', 'it asks for fewer requests'];
  if ((status === 503 || status === 529) && call.header('retry-after'))
    return ['rateLimited', 'it asks to come back later'];
  if (status === 401 || status === 403 || status === 407)
    return ['fatal', 'it does not accept the key, or not for this model; check apiKey'];
  if (status === 404 || code === 'model_not_found')
    return ['fatal', 'it has no such model, or nothing at this address; check model and baseURL'];
  if (status === 400 || status === 413 || status === 415 || status === 422) {
    // A text that speaks of keys and models, and is quoted, says nothing of this key and this model.
    const said = quotesContent(message, texts) ? '' : message;
    if (noKey.test(`${code} ${type} ${said}`)) return ['fatal', 'it does not accept the key; check apiKey'];
    if (noModel.test(said)) return ['fatal', 'it has no such model; check model'];
    return ['refused', 'it refuses these texts'];
  }
  if ([408, 409, 424, 425].includes(status) || status >= 500) return ['transient', 'it failed'];
  if (status >= 300 && status < 400)
    return ['fatal', 'it sends the request elsewhere, which is not followed; check baseURL'];
  return ['fatal', 'it does not take such requests; check baseURL'];
}

function isTooLong({ status, code = '', message = '' }: FailedCall): boolean {
  if (/context_length_exceeded|string_above_max_length|max_tokens_per_request/.test(code)) return true;
  if (status === 429) return /request too large/i.test(message);
  return [400, 403, 413, 422, 500].includes(status) && tooLong.test(message);
}

const longest = 300;

function tellsKey(text: string, { key }: Pick<Confidential, 'key'>): boolean {
  return key !== undefined && key !== '' && text.includes(key);
}

/** What the server said, unless it may hold the key or content. */
function saying({ status, message = '' }: FailedCall, { texts, key }: Confidential): string {
  if (message === '' || status === 401 || status === 403) return '';
  const brief = message.replaceAll(/\s+/g, ' ').trim().slice(0, longest);
  if (tellsKey(message, { key }) || quotesContent(brief, texts)) return '';
  return ` It said: ${harmlessText(brief)}`;
}
