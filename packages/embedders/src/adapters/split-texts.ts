import type { Embedder } from '@registry/core';

/**
 * Parts that the limits allow, in order; a text that is over them alone is a part of its own. Tokens are counted
 * only where they could matter: tokenizers make at most one of a byte, and two to mark begin and end.
 */
export async function splitTexts(
  texts: readonly string[],
  limits: NonNullable<Embedder['limits']>,
  countTokens: NonNullable<Embedder['countTokens']>,
): Promise<string[][]> {
  const { texts: mostTexts = Number.POSITIVE_INFINITY, tokens: mostTokens = Number.POSITIVE_INFINITY } =
    limits;
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 2, 0);
  const tokens = bytes > mostTokens ? (await countTokens(texts)).tokens : [];
  const parts: string[][] = [];
  let part: string[] = [];
  let partTokens = 0;
  for (const [index, text] of texts.entries()) {
    const size = tokens[index] ?? 0;
    if (part.length > 0 && (part.length >= mostTexts || partTokens + size > mostTokens)) {
      parts.push(part);
      part = [];
      partTokens = 0;
    }
    part.push(text);
    partTokens += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
