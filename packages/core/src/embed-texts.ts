import * as z from 'zod';
import type { ManagerContext } from './context.ts';
import { RegistryError } from './errors.ts';
import { modelOrActive } from './lookups.ts';
import {
  type EmbeddingInfo,
  type EmbeddingModelSpec,
  type ModelRef,
  modelRefSchema,
} from './model/model-spec.ts';
import type { Vector } from './model/vector.ts';
import { parseOptions } from './options.ts';
import { embedOrThrow } from './worker/embed-call.ts';
import { TokenLimit } from './worker/token-limit.ts';

/** The model (the active one unless told) and what the texts are: `document` unless told. */
export interface EmbedOptions extends Partial<ModelRef> {
  purpose?: 'document' | 'query';
  signal?: AbortSignal;
}

const schema = modelRefSchema.partial().extend({
  texts: z.array(z.string()),
  purpose: z.enum(['document', 'query']).default('document'),
  signal: z.instanceof(AbortSignal).optional(),
});

/**
 * Embeds texts with the active model, or another registered one, with the worker's checks. `info` is to be
 * spread into the node that takes a vector.
 * @throws RegistryError `MODEL_UNKNOWN`, `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `EMBEDDER_FAILED`,
 * `VECTOR_INVALID`, `CONTENT_MISSING`, `CONTENT_TOO_LONG`
 */
export async function embedTexts(
  context: ManagerContext,
  given: readonly string[],
  options: EmbedOptions,
): Promise<{ vectors: readonly Vector[]; info: EmbeddingInfo }> {
  const o = parseOptions(schema, { ...options, texts: given }, 'options of embed');
  const { purpose, signal, texts } = o;
  const spec = await modelOrActive(context, o);
  await assertFitting(context, texts, spec);
  const { embedders, clock } = context;
  return { vectors: await embedOrThrow(texts, { embedders, clock, spec, purpose, signal }), info: spec.info };
}

/** What the worker would not hand to an embedder. */
async function assertFitting(
  context: ManagerContext,
  texts: readonly string[],
  spec: EmbeddingModelSpec,
): Promise<void> {
  const empty = texts.indexOf('');
  if (empty >= 0)
    throw new RegistryError(
      'CONTENT_MISSING',
      `Text ${empty + 1} of ${texts.length} is empty; leave it out.`,
    );
  const faults = (await (await TokenLimit.of(context, spec))?.check(texts)) ?? [];
  const fault = faults.find((found) => found !== undefined);
  if (fault !== undefined) throw new RegistryError(fault.code, fault.message);
}
