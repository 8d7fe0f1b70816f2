import type { Embedder } from '../ports/embedder.ts';
import { type Estimate, exactly, product, ratioOf } from './figures.ts';
import type { Survey } from './survey.ts';

/** An embedder's own estimate is within a third of the truth for prose and code of most scripts. */
const ESTIMATE_REACH = 1 / 3;
/** Tokens of a byte where nobody counts: a token of English has four, of other scripts fewer. */
const TOKENS_OF_BYTE: Estimate = { value: 0.25, low: 0.12, high: 0.6, basis: 'estimated' };

/** The tokens of the texts to embed: counted where a tokenizer can in seconds, else from a sample by bytes. */
export async function tokensOf(o: {
  readonly survey: Survey;
  readonly texts: Estimate;
  readonly sampled: readonly string[];
  readonly embedder: Embedder | undefined;
  readonly isPriced: boolean;
}): Promise<Estimate | undefined> {
  const { survey, texts, sampled, embedder } = o;
  if (embedder?.countTokens === undefined && !o.isPriced) return undefined;
  if (survey.sentTexts === 0) return exactly(0);
  const share = shareOf(texts, survey.sentTexts);
  if (survey.tokens !== undefined) return product(share, exactly(survey.tokens));
  const perByte = await ratioOfBytes(sampled, embedder);
  const { value, low, high, basis } = product(product(share, exactly(survey.sentBytes)), perByte);
  return { value: Math.round(value), low: Math.floor(low), high: Math.ceil(high), basis };
}

/** How many more or fewer texts there may be than were looked at. */
function shareOf({ low, high, basis }: Estimate, sent: number): Estimate {
  return { value: 1, low: low / sent, high: high / sent, basis };
}

async function ratioOfBytes(sampled: readonly string[], embedder: Embedder | undefined): Promise<Estimate> {
  const counted = sampled.length === 0 ? undefined : await embedder?.countTokens?.(sampled);
  if (counted === undefined) return TOKENS_OF_BYTE;
  const ratio = ratioOf(
    sampled.map((text, index) => [counted.tokens[index] ?? 0, Buffer.byteLength(text)] as const),
  );
  if (counted.exact) return ratio;
  return {
    value: ratio.value,
    low: ratio.low * (1 - ESTIMATE_REACH),
    high: ratio.high * (1 + ESTIMATE_REACH),
    basis: 'estimated',
  };
}
