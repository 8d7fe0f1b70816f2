import type { RehearsalReport } from '@registry/core';
import { scratchStore } from '@registry/node-memory';
import { z } from 'zod';
import { opened, wholeNumber } from '../call.ts';
import { planOf } from '../names.ts';
import type { Output } from '../output.ts';
import { counted, grouped } from '../screen/phrases.ts';
import { rehearsalWorker, terminal } from '../terminal.ts';

const schema = z.object({
  plan: z.string(),
  sample: wholeNumber.optional(),
  seed: wholeNumber.optional(),
  kills: wholeNumber.optional(),
});

export const rehearse = opened('work', schema, async (call, o, { manager }) => {
  const { planId } = await planOf(manager, o.plan);
  const nodes = o.sample ?? 200;
  call.output.note(
    `On copies of ${counted(nodes, 'node')} at most, which are thrown away; the embedder is handed their texts, each once.`,
  );
  call.output.progress('Rehearsing …');
  const report = await manager.rehearseMigration({
    ...{ planId, scratchStore, nodes, signal: terminal.stopSignal() },
    workerProgram: { file: terminal.program, arguments: [rehearsalWorker] },
    ...(o.seed !== undefined && { seed: o.seed }),
    ...(o.kills !== undefined && { kills: o.kills }),
  });
  call.output.progress('');
  show(call.output, report);
  return { exitCode: report.verdict === 'safe' ? 0 : 1, data: report };
});

const verdicts = {
  safe: 'Rehearsed: safe to run',
  unsafe: 'Rehearsed: NOT safe to run',
  inconclusive: 'Rehearsed: nothing failed, and the gate is not sure',
} as const;

function show(output: Output, report: RehearsalReport): void {
  const { nodes, of, kills, rateLimits, rollback, gate } = report;
  output.heading(verdicts[report.verdict]);
  for (const finding of report.findings) output.say(`- ${finding}`);
  output.fields([
    ['nodes', `${grouped(nodes)} of ${grouped(of)}, seed ${report.seed}`],
    [
      'killed',
      kills.length === 0 ? undefined : `${counted(kills.length, 'worker')} by SIGKILL: ${kills.join(', ')}`,
    ],
    ['rate limits', rateLimits === 0 ? undefined : `${grouped(rateLimits)} made up`],
    ['migrated', `${grouped(report.completed)} of ${grouped(nodes)}`],
    ['gate', gate?.verdict],
    ['put back', `${counted(rollback.restored, 'node')}, compared byte for byte`],
    ['rate', `${report.nodesPerSecond.toFixed(1)} nodes/s`],
    ['embedded', counted(report.textsEmbedded, 'text')],
  ]);
}
