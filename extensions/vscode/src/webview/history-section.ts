import { moment } from '../model/figures.ts';
import { detailsText } from '../model/journal-text.ts';
import type { Connection } from './connection.ts';
import { element, pager, table } from './dom.ts';

const ROWS = 20;

/** The journal of a plan, page by page. */
export class HistorySection {
  readonly element = element('section');
  readonly #connection: Connection;
  readonly #planId: string;
  #before: string[] = [];

  constructor(connection: Connection, planId: string) {
    this.#connection = connection;
    this.#planId = planId;
  }

  async draw(): Promise<void> {
    const { say } = this.#connection;
    const before = this.#before;
    const after = before.at(-1);
    const { items, next } = await this.#connection.ask('journal', {
      planId: this.#planId,
      limit: ROWS,
      ...(after !== undefined && { after }),
    });
    const rows = items.map((entry) => [
      moment(entry.at),
      entry.action,
      detailsText(entry.details),
      entry.actor,
    ]);
    const titles = [say('When'), say('What'), say('Details'), say('Who')];
    const go = (to: string[]) => {
      this.#before = to;
      void this.draw();
    };
    const isLong = before.length > 0 || next !== undefined;
    this.element.replaceChildren(
      element('h2', {}, say('Journal')),
      table(say('Journal'), titles, rows),
      ...(isLong ? [pager({ before, next, go }, say)] : []),
    );
  }
}
