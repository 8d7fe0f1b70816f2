import type { Finding } from '@registry/core';
import type { Say } from '../language.ts';
import { count, moment } from '../model/figures.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { type DiagnosisData, type Mending, mendingLabel, mendingOf, severityText } from '../model/mending.ts';
import { modelName, nodesText } from '../model/plan-text.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { element, table } from './dom.ts';

interface Parts {
  readonly models: readonly ModelData[];
  /** Undefined where nothing may be changed. */
  readonly mend: ((mending: Mending) => void) | undefined;
}

/** What the doctor found, the worst first, each with what mends it. */
export function diagnosisView(diagnosis: DiagnosisData, parts: Parts, say: Say): readonly Node[] {
  const { findings, models, nodes, sampled, at } = diagnosis;
  const looked =
    nodes === undefined
      ? say('No node store: the registry alone was looked at.')
      : say('Read: {nodes}. Embedded again: {sampled}.', {
          nodes: nodesText(nodes, say),
          sampled: count(sampled),
        });
  return [
    element('h2', {}, severityText(findings, say)),
    element('p', { class: 'quiet' }, `${looked} ${moment(at)}`),
    ...findings.map((finding) => findingView(finding, parts, say)),
    ...(models.length === 0 ? [] : [element('h2', {}, say('Models')), modelsTable(models, say)]),
  ];
}

function findingView(finding: Finding, { models, mend }: Parts, say: Say): HTMLElement {
  const { severity, code, count: size, message, remedy, sample } = finding;
  const mending = mendingOf(finding, models);
  const more = size > sample.length && sample.length > 0 ? ', …' : '';
  return element(
    'article',
    { class: 'finding' },
    element(
      'h3',
      {},
      element('span', { class: `pill ${severity}` }, severityName(severity, say)),
      ' ',
      `${count(size)} × ${code}`,
    ),
    element('p', {}, inEditorWords(message)),
    sample.length === 0 ? undefined : element('p', { class: 'quiet' }, `${sample.join(', ')}${more}`),
    element('p', {}, inEditorWords(remedy)),
    mending === undefined || mend === undefined
      ? undefined
      : element('button', { type: 'button', onClick: () => mend(mending) }, mendingLabel(mending, say)),
  );
}

function severityName(severity: Finding['severity'], say: Say): string {
  return { error: say('error'), warning: say('warning'), note: say('note') }[severity];
}

function modelsTable(models: DiagnosisData['models'], say: Say): HTMLElement {
  const states = {
    agrees: say('agrees'),
    drifted: say('drifted'),
    missing: say('none yet'),
    unchecked: say('no embedder'),
    failed: say('no answer'),
  };
  const rows = models.map(({ model, isActive, nodes, witness }) => [
    modelName(model),
    isActive ? element('span', { class: 'pill completed' }, say('active')) : '',
    count(nodes),
    witness.state === 'drifted'
      ? element('span', { class: 'pill error' }, states.drifted)
      : states[witness.state],
    witness.similarity === undefined ? '' : witness.similarity.toFixed(4),
    moment(witness.madeAt),
  ]);
  const titles = [say('Model'), '', say('Nodes'), say('Witness'), say('Similarity'), say('Made')];
  return table(say('Models'), titles, rows);
}
