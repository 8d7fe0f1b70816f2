import { count, moment } from '../model/figures.ts';
import { verdictName } from '../model/gate-text.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { nodesText } from '../model/plan-text.ts';
import type { Connection } from './connection.ts';
import { element, table } from './dom.ts';

/** What the gate said last of a plan, and why. */
export class GateSection {
  readonly element = element('section');
  readonly #connection: Connection;
  readonly #planId: string;

  constructor(connection: Connection, planId: string) {
    this.#connection = connection;
    this.#planId = planId;
  }

  async draw(): Promise<void> {
    const { say } = this.#connection;
    const found = await this.#connection.ask('verdict', { planId: this.#planId });
    if (found === undefined) {
      this.element.replaceChildren();
      return;
    }
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
    this.element.replaceChildren(
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
    );
  }
}

const share = (value: number) => value.toFixed(3);
