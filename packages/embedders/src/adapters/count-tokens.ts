import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedder } from '@registry/core';

type CountTokens = NonNullable<Embedder['countTokens']>;

// https://github.com/openai/tiktoken/blob/main/tiktoken/model.py
const cl100kModels = /(^|\/)text-embedding-(3-small|3-large|ada-002)$/;

// Byte pair encoding of one word takes time quadratic in its length: a run of letters without end, as data in
// a text has them, would block for minutes.
const longRun = /[\p{L}\p{M}]{513}|\s{513}|[^\s\p{L}\p{N}]{513}/u;
const pieces = /[\s\S]{1,512}/gu;
const charactersPerTurn = 2 ** 15;

/**
 * Counts with the model's own tokenizer where that is known and `gpt-tokenizer` is installed, with an estimate
 * otherwise. A text with a run of more than 512 letters, blanks or signs is counted in pieces, which is an
 * estimate too.
 */
export function tokenCounter(model: string): CountTokens {
  if (!cl100kModels.test(model)) return estimateTokens;
  let loading: Promise<((text: string) => number) | undefined> | undefined;
  return async (texts) => {
    loading ??= loadCl100k();
    const count = await loading;
    if (count === undefined) return estimateTokens(texts);
    let exact = true;
    let characters = 0;
    const tokens: number[] = [];
    for (const text of texts) {
      const isLong = longRun.test(text);
      exact &&= !isLong;
      const parts = isLong ? (text.match(pieces) ?? []) : [text];
      tokens.push(parts.reduce((sum, part) => sum + count(part), 0));
      characters += text.length;
      if (characters < charactersPerTurn) continue;
      characters = 0;
      await nextTurn();
    }
    return { tokens, exact };
  };
}

async function loadCl100k(): Promise<((text: string) => number) | undefined> {
  try {
    const { countTokens } = await import('gpt-tokenizer/encoding/cl100k_base');
    // What looks like a control token is text here, as it is for the provider.
    const options = { disallowedSpecial: new Set<string>() };
    return (text) => countTokens(text, options);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Says whether an import failed since the package is not installed. */
function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

/**
 * Tokens by kind of character, calibrated against cl100k_base, the tokenizer of OpenAI's embedding models:
 * within a third of its counts for prose and code of most scripts. At least 1.
 */
async function estimateTokens(
  texts: readonly string[],
): Promise<{ tokens: readonly number[]; exact: boolean }> {
  return { tokens: texts.map(estimate), exact: false };
}

function estimate(text: string): number {
  let tokens = 0;
  let before = -1;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    const isRepeated = unit === before;
    before = unit;
    // Rules and indentation: one token stands for many.
    if (isRepeated && unit < 0x30) tokens += 0.05;
    else tokens += unit < 0x80 ? asciiShare(unit) : unit < 0x600 ? 0.45 : unit < 0x2000 ? 0.75 : 1.15;
  }
  return Math.max(1, Math.ceil(tokens));
}

/** Letters and blanks come in words, digits and signs in twos and threes. */
function asciiShare(unit: number): number {
  const isLetter = (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;
  return isLetter || unit === 0x20 ? 0.22 : 0.5;
}
