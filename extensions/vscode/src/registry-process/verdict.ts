import type { GateReport } from '@registry/core';
import * as z from 'zod/mini';

/** What the editor shows of a verdict. */
export type VerdictData = Pick<GateReport, 'verdict' | 'reasons' | 'at' | 'sample' | 'checks' | 'notes'>;

const texts = z.array(z.string());
const schema = z.looseObject({
  verdict: z.enum(['go', 'no-go', 'inconclusive']),
  reasons: texts,
  at: z.string(),
  notes: z.optional(texts),
  sample: z.looseObject({ nodes: z.number(), of: z.number(), queries: z.record(z.string(), z.number()) }),
  checks: z.array(
    z.looseObject({
      message: z.string(),
      outcome: z.enum(['passed', 'failed', 'open']),
      new: z.number(),
      old: z.optional(z.number()),
    }),
  ),
});

/** Undefined for what no gate of ours has said: a journal may be of a later version, or of anybody's making. */
export function parseVerdict(details: unknown): VerdictData | undefined {
  return z.safeParse(schema, details).success ? (details as VerdictData) : undefined;
}
