import type { ManagerContext } from './context.ts';
import type { ModelRef } from './model/model-spec.ts';

/**
 * Journals that stamps are given for a model, or taken off without one. Told before the first write, since a process
 * may be killed before the last one.
 */
export async function journalled(
  { registry, logger }: ManagerContext,
  ref: ModelRef | undefined,
  total: { readonly stamped: number; readonly skipped: number },
  body: () => Promise<void>,
): Promise<void> {
  await registry.noteStamping(ref);
  try {
    await body();
  } catch (error) {
    await registry.noteStamping(ref, { ...total, interrupted: true }).catch((second: unknown) => {
      logger.warn('The journal could not be told that a stamping was interrupted', { error: second });
    });
    throw error;
  }
  await registry.noteStamping(ref, { ...total, interrupted: false });
}
