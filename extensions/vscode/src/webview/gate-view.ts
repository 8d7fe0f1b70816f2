import { count, moment } from '../model/figures.ts';
import { verdictName } from '../model/gate-text.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { nodesText } from '../model/plan-text.ts';
import type { Connection } from './connection.ts';
import { element, table } from './dom.ts';

/** What the gate said last of a plan, and why; nothing where it was not asked. */
export async function gateView(connection: Connection, planId: string): Promise<readonly Node[]> {
  const { say } = connection;
  const found = await connection.ask('verdict', { planId });
  if (found === undefined) return [];
  const { verdict, reasons, sample, checks, at, notes = [] } = found;
  const rows = checks.map((check) => [
    check.message,
    check.old === undefined ? '' : share(check.old),
    share(check.new),
    { passed: say('passed'), failed: say('failed'), open: say('open') }[check.outcome],
  ]);
  const looked = say('{nodes} of {of}, {queries} queries', {
    nodes: nodesText(sample.nodes, say),
    of: count(sample.of),
    queries: count(Object.values(sample.queries).reduce((sum, size) => sum + size, 0)),
  });
  return [
    element(
      'h2',
      {},
      say('Gate'),
      ' ',
      element('span', { class: `pill ${verdict}` }, verdictName(verdict, say)),
    ),
    element('p', { class: 'quiet' }, `${looked} · ${moment(at)}`),
    element('ul', {}, ...[...reasons, ...notes].map((text) => element('li', {}, inEditorWords(text)))),
    table(say('Gate'), [say('Check'), say('Old'), say('New'), say('Outcome')], rows),
  ];
}

const share = (value: number) => value.toFixed(3);
