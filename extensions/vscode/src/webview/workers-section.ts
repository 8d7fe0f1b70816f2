import { moment } from '../model/figures.ts';
import { reasonText } from '../model/in-editor-words.ts';
import type { Connection } from './connection.ts';
import { element, table } from './dom.ts';

/** Who works at the registry, whichever program started it, and what each waits for. */
export class WorkersSection {
  readonly element = element('section');
  readonly #connection: Connection;
  readonly #planId: string;

  constructor(connection: Connection, planId: string) {
    this.#connection = connection;
    this.#planId = planId;
  }

  /** Answers how many there are. */
  async draw(): Promise<number> {
    const { say } = this.#connection;
    const workers = await this.#connection.ask('workers');
    const rows = workers.map(({ pid, host, heartbeatAt, planIds, waiting }) => {
      const why = waiting.find(({ planId }) => planId === this.#planId);
      const others = planIds.filter((planId) => planId !== this.#planId).length;
      const isHere = planIds.includes(this.#planId);
      const state = why
        ? reasonText(why)
        : isHere
          ? say('at this plan')
          : others > 0
            ? say('at other plans')
            : say('at rest');
      return [String(pid), host, state, moment(heartbeatAt)];
    });
    const titles = [say('Process'), say('Machine'), say('State'), say('Heard of')];
    this.element.replaceChildren(
      ...(rows.length === 0 ? [] : [element('h2', {}, say('Workers')), table(say('Workers'), titles, rows)]),
    );
    return workers.length;
  }
}
