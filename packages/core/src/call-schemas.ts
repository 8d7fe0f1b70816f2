/** What callers of the manager's own methods may pass. */
import * as z from 'zod';
import { planIdSchema } from './planner/migration-planner.ts';

const planSchema = z.strictObject({ planId: planIdSchema });
export const nodeOfPlanSchema = planSchema.extend({ nodeId: z.string() });
export const finalizeSchema = planSchema.extend({ drop: z.string().optional() });
export const signalSchema = z.strictObject({ signal: z.instanceof(AbortSignal).optional() });
export const rollbackSchema = planSchema.extend({
  nodeId: z.string().optional(),
  dryRun: z.boolean().optional(),
  laterWrites: z.enum(['carryBack', 'lose']).optional(),
  ...signalSchema.shape,
});
