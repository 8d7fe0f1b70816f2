import type { Embedder } from '../ports/embedder.ts';

/** Calls as large as the embedder takes. */
export async function chunked(texts: readonly string[], embedder: Embedder): Promise<string[][]> {
  const { texts: mostTexts = Number.POSITIVE_INFINITY, tokens: mostTokens } = embedder.limits ?? {};
  const counted = mostTokens === undefined ? undefined : await embedder.countTokens?.(texts);
  const chunks: string[][] = [];
  let chunk: string[] = [];
  let tokens = 0;
  for (const [index, text] of texts.entries()) {
    const size = counted?.tokens[index] ?? 0;
    const isFull = chunk.length >= mostTexts || tokens + size > (mostTokens ?? Number.POSITIVE_INFINITY);
    if (chunk.length > 0 && isFull) {
      chunks.push(chunk);
      chunk = [];
      tokens = 0;
    }
    chunk.push(text);
    tokens += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
