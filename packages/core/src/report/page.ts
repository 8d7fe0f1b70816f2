/** A report as one HTML page that holds all it needs: no script, and nothing is fetched. */
import { createHash } from 'node:crypto';
import { GATE_ACTION } from '../gate/evaluate-migration.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { capText } from '../model/spend-cap.ts';
import type { JournalEntry } from '../ports/registry-store.ts';
import { courseOf, type Phase, phasesOf } from './chart.ts';
import { gateReportOf, gateSection } from './gate.ts';
import type { ReportData } from './gather.ts';
import { Markup, markup } from './markup.ts';
import { count, duration, figure, journalDetails, modelName, moment, size, words } from './phrases.ts';
import { style } from './style.ts';
import { tableOf } from './table.ts';

/** What every page begins with: by it a report is told from other files. */
export const PAGE_START = '<!doctype html>\n<!-- Embedding Version Registry: report of a migration -->\n';
const JOURNAL_ROWS = 500;

export function reportPage(data: ReportData): string {
  const { plan, writtenAt } = data;
  const hash = createHash('sha256').update(style).digest('base64');
  const phases = phasesOf(data.journal, plan.planId, Date.parse(writtenAt));
  const title = `${modelName(plan.sourceSpec)} → ${modelName(plan.targetSpec)}`;
  const page = markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title} · migration report</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
${headOf(data, title, phases)}
${section('Gate', gateOf(data.journal, plan))}
${section('Course', courseOf(data.pace, phases, data.journal))}
${section('Timeline', timelineOf(data.journal, plan))}
${section('Failures', failuresOf(data))}
${section('Backups', backupsOf(data))}
${section('Models', modelsOf(data))}
${section('Settings', settingsOf(plan))}
${section('Journal', journalOf(data))}
<footer>Written ${moment(writtenAt)} UTC from the registry, which holds ids and counts and no content of nodes. Plan ${code(plan.planId)}.</footer>
</main>
</body>
</html>
`;
  return PAGE_START + page.text;
}

/** The last verdict that was journalled. */
function gateOf(journal: readonly JournalEntry[], { planId }: MigrationPlan): Markup | undefined {
  const last = journal.findLast((entry) => entry.planId === planId && entry.action === GATE_ACTION);
  const report = gateReportOf(last?.details);
  return report && gateSection(report);
}

function section(name: string, body: Markup | undefined): Markup | undefined {
  return body && markup`<section><h2>${name}</h2>${body}</section>`;
}

const code = (text: string) => markup`<code>${text}</code>`;

function headOf(data: ReportData, title: string, phases: readonly Phase[]): Markup {
  const { plan } = data;
  const workedMs = phases
    .filter(({ status }) => status === 'in_progress')
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const done = plan.completedNodes - plan.adoptedNodes;
  const figures: readonly (readonly [string, string | undefined])[] = [
    ['Nodes', count(plan.totalNodes)],
    ['Done', `${count(plan.completedNodes)}`],
    ['Failed', count(plan.failedNodes)],
    ['Gone', plan.skippedNodes > 0 ? count(plan.skippedNodes) : undefined],
    ['Put back', plan.rolledBackNodes > 0 ? count(plan.rolledBackNodes) : undefined],
    ['At work', workedMs > 0 ? duration(workedMs) : undefined],
    ['Nodes per second', workedMs > 0 && done > 0 ? figure(done / (workedMs / 1_000)) : undefined],
  ];
  const facts = [
    plan.adoptedNodes > 0 && `${count(plan.adoptedNodes)} nodes were at the target already.`,
    plan.strategyReason,
    data.workers.length > 0 &&
      `At work now: ${data.workers.map(({ host, pid }) => `process ${pid} on ${host}`).join(', ')}.`,
  ].filter((fact) => typeof fact === 'string');
  return markup`<header><h1>${title} <span class="pill ${plan.status}">${words(plan.status)}</span></h1>
<p class="quiet">${scopeOf(plan)} · ${figure(plan.progressPercent)} % · plan ${code(plan.planId)}</p>
<dl class="figures">${figures.map(([name, value]) => value && markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${noteOf(plan.reason, plan.status)}${noteOf(plan.hold, 'held')}
${facts.map((fact) => markup`<p class="quiet">${fact}</p>`)}</header>`;
}

function noteOf(reason: { code: string; message: string } | undefined, kind: string): Markup | undefined {
  return reason && markup`<p class="note ${kind}"><span><b>${reason.code}</b> ${reason.message}</span></p>`;
}

const places = { inPlace: 'in place', namedVector: 'as a second vector', shadow: 'in a second collection' };

function scopeOf({ wholeStore, where, strategy }: MigrationPlan): string {
  const nodes = !wholeStore
    ? 'a list of nodes'
    : where
      ? `nodes where ${JSON.stringify(where)}`
      : 'the whole store';
  return `${nodes}, ${places[strategy]}`;
}

const told: Readonly<Record<string, string>> = {
  'plan:created': 'Planned',
  'plan:in_progress': 'Started',
  'plan:held': 'Held',
  'plan:paused': 'Paused',
  'plan:tuned': 'Tuned',
  'plan:retried': 'Failed nodes put back to work',
  'plan:gateOverridden': 'The gate was passed over',
  'plan:gateSkipped': 'No gate was asked',
  'plan:cutover': 'Readers and writers moved to the target',
  'plan:completed': 'Completed',
  'plan:failed': 'Ended with failed nodes',
  'plan:cancelled': 'Cancelled',
  'plan:rolling_back': 'Rollback began',
  'plan:rolled_back': 'Rolled back',
  'plan:finalized': 'Backups given up',
};

function timelineOf(journal: readonly JournalEntry[], { planId }: MigrationPlan): Markup {
  const entries = journal.filter((entry) => entry.planId === planId && entry.action in told);
  const first = Date.parse(entries[0]?.at ?? '');
  const rows = entries.map(({ at, action, details }) => {
    const isResumed = action === 'plan:in_progress' && details.from === 'paused';
    const why = [details.code, details.message, details.why]
      .filter((part) => typeof part === 'string')
      .join(': ');
    const what = action === 'plan:tuned' ? journalDetails(details) : why;
    return markup`<tr><td class="time"><time datetime="${at}">${moment(at)}</time></td>
<td class="number">+ ${duration(Date.parse(at) - first)}</td><td>${isResumed ? 'Resumed' : told[action]}</td><td>${what}</td></tr>`;
  });
  return tableOf(['When', '#After', 'What', 'Why'], rows);
}

function failuresOf({ failures, plan, deadLetters }: ReportData): Markup | undefined {
  if (failures.length === 0)
    return deadLetters === 0
      ? undefined
      : markup`<p>No node is failed now; ${count(deadLetters)} were at some time and were put back to work.</p>`;
  const most = Math.max(...failures.map((group) => group.count));
  const groups = tableOf(
    ['Cause', '#Nodes', '', 'One of them says'],
    failures.map(
      (
        group,
      ) => markup`<tr><td class="short">${code(group.code)}</td><td class="number">${count(group.count)}</td>
<td class="failed">${shareBar(group.count / most)}</td><td>${group.message}</td></tr>`,
    ),
  );
  const samples = failures.map(({ code: cause, tasks, count: all }) => {
    const rows = tasks.map(
      (task) => markup`<tr><td>${code(task.nodeId)}</td><td class="number">${task.retryCount}</td>
<td class="time">${task.completedAt && moment(task.completedAt)}</td><td>${task.errorMessage}</td></tr>`,
    );
    const heading = tasks.length < all ? `${cause}: the first ${tasks.length} of ${count(all)}` : cause;
    return markup`<h3>${heading}</h3>${tableOf(['Node', '#Retries', 'When', 'Message'], rows)}`;
  });
  const share = (plan.failedNodes / Math.max(1, plan.totalNodes)) * 100;
  return markup`<p>${count(plan.failedNodes)} of ${count(plan.totalNodes)} nodes failed (${figure(share)} %).</p>${groups}${samples}`;
}

function shareBar(share: number): Markup {
  const width = Math.max(2, Math.round(share * 120));
  return markup`<svg viewBox="0 0 120 12" width="120" height="12" aria-hidden="true"><rect class="fill" width="${width}" height="12" rx="2"/></svg>`;
}

function backupsOf({ plan, backups, rollback }: ReportData): Markup {
  const kept =
    plan.finalizedAt !== undefined
      ? `Given up ${moment(plan.finalizedAt)}: this plan cannot be rolled back any more.`
      : !plan.backupOldVectors
        ? 'None were kept, as the plan was made: it cannot be rolled back.'
        : `${count(backups.count)} nodes, ${size(backups.bytes)} of vectors, kept byte for byte until the plan is finalized.`;
  if (rollback === undefined) return markup`<p>${kept}</p>`;
  const outcomes = [
    ['Put back', rollback.restored],
    ['Gone, or embedded anew since', rollback.skipped],
    ['Edited since, left alone', rollback.conflicts],
    ['Failed', rollback.failed],
    ['Still at the target', rollback.remaining],
  ] as const;
  const rows = outcomes.map(
    ([name, nodes]) => markup`<tr><td>${name}</td><td class="number">${count(nodes)}</td></tr>`,
  );
  const verdict = rollback.succeeded ? 'The rollback brought every node back.' : 'Not every node is back.';
  return markup`<p>${kept}</p><p>${verdict}</p>${tableOf(['Rollback', '#Nodes'], rows)}`;
}

function modelsOf({ plan, models }: ReportData): Markup {
  const row = (role: string, spec: EmbeddingModelSpec) => {
    const model = models.find((each) => each.equals(spec));
    const dates = [
      model?.isActive && 'active',
      model?.deprecatedAt && `deprecated ${model.deprecatedAt.slice(0, 10)}`,
      model?.shutdownAt && `shut down ${model.shutdownAt.slice(0, 10)}`,
      model === undefined && 'no longer registered',
    ].filter((date) => typeof date === 'string');
    return markup`<tr><td class="short">${role}</td><td>${modelName(spec)}</td><td class="number">${count(spec.dimension)}</td>
<td>${spec.datatype}, ${spec.distance}</td><td>${code(spec.checksum.slice(0, 16))}</td><td>${dates.join(', ')}</td></tr>`;
  };
  return tableOf(
    ['', 'Model', '#Dimension', 'Vectors', 'Checksum', ''],
    [row('From', plan.sourceSpec), row('To', plan.targetSpec)],
  );
}

function settingsOf(plan: MigrationPlan): Markup {
  const settings: readonly (readonly [string, string])[] = [
    ['Nodes per batch', count(plan.batchSize)],
    ['Rest after each batch', duration(plan.throttleMs)],
    ['Share of its time at work', `${Math.round(plan.dutyCycle * 100)} %`],
    ['Batches at a time', count(plan.maxParallelWorkers)],
    ['Retries of a node', count(plan.maxRetries)],
    ['Old vectors are kept', plan.backupOldVectors ? 'yes' : 'no'],
    ['Spend cap', plan.spendCap === undefined ? 'none' : capText(plan.spendCap)],
    ...(plan.spentTokens === undefined
      ? []
      : [['Spent under a cap', `${count(plan.spentTokens)} tokens`] as const]),
  ];
  return tableOf(
    ['Setting', '#Now'],
    settings.map(([name, value]) => markup`<tr><td>${name}</td><td class="number">${value}</td></tr>`),
  );
}

/** A verdict is a page of its own. */
function entryDetails(action: string, details: JournalEntry['details']): string {
  const gate = action === GATE_ACTION ? gateReportOf(details) : undefined;
  return gate === undefined ? journalDetails(details) : `${gate.verdict}: ${gate.reasons.join(' ')}`;
}

function journalOf({ journal, deadLetters }: ReportData): Markup {
  const shown = journal.slice(-JOURNAL_ROWS);
  const left = journal.length - shown.length;
  const rows = shown.map(
    ({
      at,
      actor,
      action,
      details,
      model,
      planId,
    }) => markup`<tr><td class="time"><time datetime="${at}">${moment(at)}</time></td>
<td class="who">${actor}</td><td class="short">${action}</td><td>${[planId === undefined && model ? modelName(model) : '', entryDetails(action, details)].filter(Boolean).join(': ')}</td></tr>`,
  );
  const notes = [
    left > 0 && `${count(left)} older entries are left out.`,
    deadLetters > 0 && `${count(deadLetters)} entries of nodes that failed for good are left out.`,
  ].filter((note) => typeof note === 'string');
  return markup`${tableOf(['When (UTC)', 'Who', 'What', 'Details'], rows)}${notes.map((note) => markup`<p class="quiet">${note}</p>`)}`;
}
