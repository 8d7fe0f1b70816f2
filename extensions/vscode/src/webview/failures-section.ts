import { count } from '../model/figures.ts';
import { capabilities } from '../model/plan-capabilities.ts';
import type { nodeActions } from '../panels/protocol.ts';
import type { OutputOf, PlanData, Reads, TaskData } from '../registry-process/messages.ts';
import type { Connection } from './connection.ts';
import { element, pager, table } from './dom.ts';

const ROWS = 20;

type Group = OutputOf<Reads['failures']>[number];
type Action = (typeof nodeActions)[number];

/** Failed nodes of a plan by cause, page by page, each with what may be done about it. */
export class FailuresSection {
  readonly element = element('section');
  readonly #connection: Connection;
  readonly #mayAct: boolean;
  /** Causes that were opened; where each page before the shown one begins. */
  readonly #open = new Map<string, string[]>();
  #plan: PlanData | undefined;
  #drawn = 0;

  constructor(connection: Connection, mayAct: boolean) {
    this.#connection = connection;
    this.#mayAct = mayAct;
  }

  async draw(plan: PlanData): Promise<void> {
    this.#plan = plan;
    const turn = ++this.#drawn;
    const { planId } = plan;
    const groups = plan.failedNodes === 0 ? [] : await this.#connection.ask('failures', { planId });
    const blocks = await Promise.all(groups.map((group) => this.#block(plan, group)));
    // A later call has drawn what is true now.
    if (turn !== this.#drawn) return;
    const heading = element('h2', {}, this.#connection.say('Failures'));
    this.element.replaceChildren(...(blocks.length > 0 ? [heading, ...blocks] : []));
  }

  async #block(plan: PlanData, group: Group): Promise<HTMLElement> {
    const { code, message } = group;
    const made = element(
      'details',
      {},
      element('summary', {}, `${count(group.count)} × ${code} · ${message}`),
    );
    made.open = this.#open.has(code);
    made.addEventListener('toggle', () => {
      if (made.open === this.#open.has(code)) return;
      if (made.open) this.#open.set(code, []);
      else this.#open.delete(code);
      void this.draw(plan);
    });
    if (made.open) made.append(...(await this.#page(plan, group)));
    return made;
  }

  async #page({ planId }: PlanData, { code }: Group): Promise<readonly Node[]> {
    const { say } = this.#connection;
    const before = this.#open.get(code) ?? [];
    const after = before.at(-1);
    const { items, next } = await this.#connection.ask('tasks', {
      planId,
      status: 'failed',
      errorCode: code,
      limit: ROWS,
      ...(after !== undefined && { after }),
    });
    const titles = [say('Node'), say('Error'), say('Retries'), ''];
    const rows = items.map((task) => [
      task.nodeId,
      task.errorMessage ?? '',
      String(task.retryCount),
      this.#buttons(task),
    ]);
    const all = element(
      'button',
      { type: 'button', onClick: () => this.#connection.tell({ type: 'cause', planId, errorCode: code }) },
      say('Retry All of This Cause'),
    );
    const list = [
      ...(this.#mayAct && this.#isRetryable ? [element('div', { class: 'buttons' }, all)] : []),
      table(code, titles, rows),
    ];
    if (before.length === 0 && next === undefined) return list;
    const go = (to: string[]) => {
      this.#open.set(code, to);
      if (this.#plan) void this.draw(this.#plan);
    };
    return [...list, pager({ before, next, go }, say)];
  }

  get #isRetryable(): boolean {
    return this.#plan !== undefined && capabilities(this.#plan).includes('retryable');
  }

  #buttons(task: TaskData): HTMLElement {
    const { say } = this.#connection;
    const { planId, nodeId } = task;
    const button = (action: Action, label: string) =>
      element(
        'button',
        {
          type: 'button',
          class: 'link',
          label: `${label}: ${nodeId}`,
          onClick: () => this.#connection.tell({ type: 'node', action, planId, nodeId }),
        },
        label,
      );
    return element(
      'span',
      { class: 'row-buttons' },
      ...(this.#mayAct && this.#isRetryable ? [button('retryFailed', say('Retry'))] : []),
      ...(this.#mayAct && task.canRollback ? [button('rollBack', say('Roll Back…'))] : []),
      button('copyNodeId', say('Copy Id')),
    );
  }
}
