import { readFileSync } from 'node:fs';
import type { EmbeddingVersionManager, GateQuery, GateReport, MigrationPlan } from '@registry/core';
import { z } from 'zod';
import { opened, wholeNumber } from '../call.ts';
import { planOf } from '../names.ts';
import { showGate, showThreshold } from '../screen/gate-page.ts';
import { shortId } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({
  plan: z.string(),
  sample: wholeNumber.optional(),
  queries: z.string().optional(),
  generate: wholeNumber.optional(),
  k: wholeNumber.optional(),
  seed: wholeNumber.optional(),
  slice: z.string().optional(),
  threshold: z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'takes a number')
    .transform(Number)
    .optional(),
  measure: z.enum(['score', 'distance']).optional(),
});

export const gate = opened('work', schema, async (call, o, { manager }) => {
  const plan = await planOf(manager, o.plan);
  const sample = {
    planId: plan.planId,
    ...(o.sample !== undefined && { sampleSize: o.sample }),
    ...(o.queries !== undefined && { queries: queriesIn(o.queries) }),
    ...(o.generate !== undefined && { generatedQueries: o.generate }),
    ...(o.seed !== undefined && { seed: o.seed }),
    signal: terminal.stopSignal(),
  };
  const name = shortId(plan);
  if (o.threshold !== undefined) {
    const found = await manager.translateThreshold({
      ...sample,
      threshold: o.threshold,
      ...(o.measure && { measure: o.measure }),
    });
    showThreshold(call.output, found);
    return { data: found };
  }
  call.output.progress('Searching a sample in both spaces …');
  const report = await manager.evaluateMigration({
    ...sample,
    ...(o.k !== undefined && { k: o.k }),
    ...(o.slice !== undefined && { sliceBy: o.slice }),
  });
  call.output.progress('');
  showGate(call.output, name, report);
  call.output.note(nextStep(name, report));
  return { exitCode: report.verdict === 'go' ? 0 : 1, data: report };
});

function nextStep(name: string, { verdict, sample, checks }: GateReport): string {
  if (verdict === 'go') return `Next: evr cutover ${name}`;
  if (verdict === 'no-go')
    return `evr cutover ${name} is refused now. Mend what makes the new vectors, then evr gate ${name} again.`;
  // Neither a doubt nor an open check over all nodes is decided by more of them.
  if (sample.nodes >= sample.of || !checks.some(({ outcome }) => outcome === 'open'))
    return `evr cutover ${name} would let it pass: whether it may is for you to say.`;
  return `A larger sample may decide it: evr gate ${name} --sample ${Math.min(5_000, Math.max(600, sample.nodes * 2))}`;
}

/** Queries of a file, one a line; `<node id><TAB><query>` where the node that answers it is known. */
function queriesIn(path: string): GateQuery[] {
  let text: string;
  try {
    // It leaves a mark out that editors of Windows begin a file with.
    text = new TextDecoder().decode(readFileSync(terminal.resolvePath(path)));
  } catch (error) {
    throw new UsageError(`--queries: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line): GateQuery => {
      const tab = line.indexOf('\t');
      return tab > 0 ? { nodeId: line.slice(0, tab), text: line.slice(tab + 1) } : { text: line };
    });
}

/** The last verdict of a plan, where the gate was asked. */
export async function lastVerdict(
  manager: EmbeddingVersionManager,
  { planId }: MigrationPlan,
): Promise<GateReport | undefined> {
  const { items } = await manager.listJournal({ planId, action: 'plan:gate', limit: 1 });
  return items[0]?.details as GateReport | undefined;
}
