import * as z from 'zod';
import { errorCodes, type RegistryErrorCode } from '../errors.ts';
import { parseNodeId } from '../model/node-id.ts';
import type { RegistryStore } from '../ports/registry-store.ts';
import { planIdSchema } from './migration-planner.ts';

/** Which failed tasks are put back: all of a plan, those of these nodes, or those that failed with one code. */
export interface RetryFailedOptions {
  readonly planId: string;
  readonly nodeIds?: readonly string[];
  readonly errorCode?: RegistryErrorCode;
}

/** What callers may pass. */
export const retrySchema = z
  .strictObject({
    planId: planIdSchema,
    nodeIds: z.array(z.string()).optional(),
    errorCode: z.enum(Object.keys(errorCodes) as RegistryErrorCode[]).optional(),
  })
  .refine(
    (o) => o.nodeIds === undefined || o.errorCode === undefined,
    'takes nodeIds or errorCode, not both',
  );

/** Of one cause, in one transaction. */
const PAGE = 1_000;

/** Answers how many tasks were put back. */
export async function retryFailed(
  registry: Pick<RegistryStore, 'retryFailed' | 'tasks'>,
  { planId, nodeIds, errorCode }: z.output<typeof retrySchema>,
): Promise<number> {
  if (errorCode === undefined) return registry.retryFailed(planId, nodeIds?.map(parseNodeId));
  let retried = 0;
  let after: string | undefined;
  // Page by page: one cause may stand behind a million nodes.
  do {
    const page = await registry.tasks({
      planId,
      status: 'failed',
      errorCode,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    const ids = page.items.map(({ nodeId }) => nodeId);
    // Also where there is none: the plan may be one of which nothing is put back.
    if (after === undefined || ids.length > 0) retried += await registry.retryFailed(planId, ids);
    after = page.next;
  } while (after !== undefined);
  return retried;
}
