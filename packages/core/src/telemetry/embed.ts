import type { ModelRef } from '../model/model-spec.ts';
import type { Embedder } from '../ports/embedder.ts';
import { isMeasured, measure } from './meters.ts';
import { attribute } from './names.ts';

/** Measures one call of an embedder. Tokens are counted only for somebody who listens. */
export async function measureCall(
  embedder: Pick<Embedder, 'countTokens'>,
  o: {
    readonly texts: readonly string[];
    readonly spec: ModelRef;
    readonly purpose: string;
    readonly outcome: string;
    readonly seconds: number;
  },
): Promise<void> {
  if (!isMeasured()) return;
  const { texts, spec, outcome, seconds } = o;
  const purpose = { [attribute.purpose]: o.purpose };
  measure('embedding_registry.embed.duration', seconds, spec, { ...purpose, [attribute.outcome]: outcome });
  if (outcome !== 'answered') return;
  measure('embedding_registry.embed.texts', texts.length, spec, purpose);
  const tokens = await tokensOf(embedder, texts);
  if (tokens !== undefined) measure('embedding_registry.embed.tokens', tokens, spec, purpose);
}

async function tokensOf(
  embedder: Pick<Embedder, 'countTokens'>,
  texts: readonly string[],
): Promise<number | undefined> {
  try {
    const counted = await embedder.countTokens?.(texts);
    return counted?.tokens.reduce((sum, count) => sum + count, 0);
  } catch {
    // What cannot be counted is no reason to lose an answer.
    return undefined;
  }
}
