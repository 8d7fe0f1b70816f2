import type { DiagnosedModel, Diagnosis, Finding, FindingSeverity, WitnessState } from '@registry/core';
import type { Output } from '../output.ts';
import { inCommands } from './in-commands.ts';
import { counted, grouped, modelName } from './phrases.ts';

const styles = { error: 'red', warning: 'yellow', note: 'dim' } as const;
const witnessWords: Readonly<Record<WitnessState['state'], string>> = {
  agrees: 'agrees',
  drifted: 'DRIFTED',
  missing: 'none yet',
  unchecked: 'no embedder',
  failed: 'no answer',
};

/** One page: what was looked at, what was found and what mends it, and the sum. */
export function showDiagnosis(
  output: Output,
  o: { registry: string | undefined; diagnosis: Diagnosis; failing?: number },
): void {
  const { diagnosis, registry } = o;
  const active = diagnosis.models.find(({ isActive }) => isActive);
  output.fields([
    ['registry', registry ?? 'none yet; told by the configuration and the nodes alone'],
    ['active model', active === undefined ? 'none' : modelName(active.model)],
    ['nodes', diagnosis.nodes === undefined ? 'no node store' : nodesText(diagnosis)],
  ]);
  if (diagnosis.models.length > 0) {
    output.say();
    showModels(output, diagnosis.models);
  }
  for (const finding of diagnosis.findings) showFinding(output, finding);
  output.say();
  output.heading(summary(diagnosis));
  if (o.failing !== undefined)
    output.say(o.failing === 0 ? 'CI: passed' : `CI: failed, for ${counted(o.failing, 'finding')} above`);
}

function nodesText({ nodes = 0, sampled }: Diagnosis): string {
  return sampled === 0 ? grouped(nodes) : `${grouped(nodes)}, ${grouped(sampled)} of them embedded again`;
}

function showModels(output: Output, models: readonly DiagnosedModel[]): void {
  output.table<DiagnosedModel>(
    [
      { title: 'MODEL', cell: ({ model }) => modelName(model), least: 16 },
      { title: 'ACTIVE', cell: ({ isActive }) => (isActive ? 'active' : '') },
      { title: 'NODES', cell: ({ nodes }) => grouped(nodes), align: 'right' },
      { title: 'WITNESS', cell: ({ witness }) => witnessWords[witness.state] },
      {
        title: 'SIMILARITY',
        cell: ({ witness }) => witness.similarity?.toFixed(4) ?? '',
        align: 'right',
        spare: 1,
      },
    ],
    models,
  );
}

function showFinding(output: Output, finding: Finding): void {
  const { severity, code, sample, count } = finding;
  const more = count > sample.length ? ', …' : '';
  output.say();
  output.entry({ word: severity, style: styles[severity] }, [
    `${code}  ${inCommands(finding.message, finding.planId)}`,
    ...(sample.length > 0 ? [`${sample.join(', ')}${more}`] : []),
    `→ ${inCommands(finding.remedy, finding.planId)}`,
    ...(count > sample.length && sample.length > 0 ? [`All of them: evr doctor --list ${code}`] : []),
  ]);
}

function summary({ findings, nodes, plans }: Diagnosis): string {
  const looked = [
    ...(nodes === undefined ? [] : [counted(nodes, 'node')]),
    counted(plans, 'unfinished plan'),
  ].join(' and ');
  if (findings.length === 0) return `Nothing is wrong: ${looked} were looked at.`;
  const of = (severity: FindingSeverity) =>
    findings.filter((finding) => finding.severity === severity).length;
  const counts = (['error', 'warning', 'note'] as const).flatMap((severity) =>
    of(severity) === 0 ? [] : [counted(of(severity), severity)],
  );
  return counts.join(', ');
}
