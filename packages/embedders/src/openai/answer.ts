import { EmbedderError } from '@registry/core';
import { fieldsOf } from '../adapters/fields.ts';

/**
 * The vectors of an answer in the order of the texts, whatever order it has them in. Their length is not looked
 * at here.
 * @throws EmbedderError `refused`
 */
export function vectorsOfAnswer(answer: unknown, count: number): unknown[] {
  const { data } = fieldsOf(answer);
  if (!Array.isArray(data)) throw refusal('The server answered no list of vectors.');
  if (data.length !== count) throw refusal(`The server answered ${data.length} vectors for ${count} texts.`);
  const items = data.map(fieldsOf);
  const ordered: unknown[] = new Array(count).fill(undefined);
  // Some servers leave the index out; then the order is that of the texts.
  const isIndexed = items.some(({ index }) => index !== undefined);
  for (const [position, { index, embedding }] of items.entries()) {
    const place = isIndexed ? index : position;
    if (!Number.isInteger(place) || !((place as number) in ordered) || ordered[place as number] !== undefined)
      throw refusal(`The server answered ${count} vectors that are not numbered from 0 to ${count - 1}.`);
    ordered[place as number] = typeof embedding === 'string' ? vectorOfBase64(embedding) : embedding;
  }
  return ordered;
}

/** Tokens that were billed, as `usage` says; undefined where the server does not. */
export function billedTokens(answer: unknown): number | undefined {
  const { total_tokens, prompt_tokens } = fieldsOf(fieldsOf(answer).usage);
  const told = [total_tokens, prompt_tokens].find(
    (value) => Number.isInteger(value) && (value as number) >= 0,
  );
  return told as number | undefined;
}

/** Little-endian float32, as `encoding_format: "base64"` has them. */
function vectorOfBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length % 4 !== 0)
    throw refusal('The server answered a vector that is no base64 of 32-bit floats.');
  // A buffer from the pool may begin between two floats.
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function refusal(message: string): EmbedderError {
  return new EmbedderError('refused', message);
}

/** What a body says of a failure: OpenAI's `error`, the bare fields of vLLM and TEI, FastAPI's `detail`. */
export function failureOfBody(body: unknown): {
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly param?: string | undefined;
  readonly message?: string | undefined;
} {
  const whole = fieldsOf(body);
  if (typeof whole.error === 'string') return { message: whole.error, type: textOf(whole.error_type) };
  const { code, type, param, message } = 'error' in whole ? fieldsOf(whole.error) : whole;
  return {
    code: textOf(code),
    type: textOf(type),
    param: textOf(param),
    // FastAPI lists its findings, and what was sent, as objects: only a sentence is of use.
    message: textOf(message) ?? textOf(whole.detail),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
