import type { ManagerContext } from '../context.ts';
import { EmbedderError, RegistryError } from '../errors.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { collapseReason, driftReason } from '../model/witness.ts';
import type { Interruption } from '../worker/embed-batch.ts';
import { type LookOptions, lookAtWitness, type WitnessLook } from './look.ts';

/**
 * Looks at the witness of a model, for whoever is about to embed with it.
 * @throws RegistryError `MODEL_DRIFTED`, `VECTOR_INVALID`, `EMBEDDER_FAILED`, `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`
 */
export async function assertSound(
  context: ManagerContext,
  model: EmbeddingModelSpec,
  options: LookOptions = {},
): Promise<WitnessLook> {
  const look = await lookAtWitness(context, model, options);
  if (look.kind === 'interrupted') throw errorOf(look.interruption);
  const reason =
    look.kind === 'collapsed'
      ? collapseReason(model)
      : look.kind === 'drifted'
        ? driftReason(model, look.witness, look.comparison)
        : undefined;
  if (reason === undefined) return look;
  const { modelId, version } = model;
  throw new RegistryError(reason.code, reason.message, {
    details: {
      modelId,
      version,
      ...(look.kind === 'drifted' && { ...look.comparison, madeAt: look.witness.madeAt }),
    },
  });
}

/** A new model gets its witness where its embedder is here. It is registered all the same where that fails. */
export async function fillWitness(context: ManagerContext, spec: EmbeddingModelSpec): Promise<void> {
  const { registry, embedders, logger } = context;
  if (embedders.lacks(spec) !== undefined || (await registry.witness(spec)) !== undefined) return;
  try {
    await assertSound(context, spec);
  } catch (error) {
    logger.warn(`${spec.qualifiedId} has no witness yet; the first worker or check that can makes it`, {
      error,
    });
  }
}

function errorOf(interruption: Interruption): RegistryError {
  if (interruption.kind === 'stop') return new RegistryError('EMBEDDER_FAILED', 'The check was stopped.');
  const { code, message } = interruption.reason;
  if (code === 'VECTOR_INVALID') return new RegistryError(code, message);
  if (interruption.kind === 'pause') return new EmbedderError('fatal', message);
  const { retryAfterMs } = interruption;
  const kind = code === 'RATE_LIMITED' ? 'rateLimited' : 'transient';
  return new EmbedderError(kind, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}
