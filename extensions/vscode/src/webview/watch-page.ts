import { count, moment, percent, rate, timeLeft } from '../model/figures.ts';
import { capabilities } from '../model/plan-capabilities.ts';
import { heldBackText, isMoving, planName, statusName } from '../model/plan-text.ts';
import type { pageActions, Subject } from '../panels/protocol.ts';
import type { PlanData, ProgressData } from '../registry-process/messages.ts';
import type { Connection } from './connection.ts';
import { element, table } from './dom.ts';
import { ratePlot, type Sample } from './rate-plot.ts';

const MOST_SAMPLES = 600;
const ROWS = 20;

type Action = (typeof pageActions)[number];
type Setting = 'batchSize' | 'throttleMs' | 'maxParallelWorkers';

interface Parts {
  readonly root: HTMLElement;
  readonly connection: Connection;
  readonly subject: Extract<Subject, { view: 'watch' }>;
  readonly mayAct: boolean;
  readonly tell: (error: unknown) => void;
}

/** A plan while it runs, and after. */
export class WatchPage {
  readonly #parts: Parts;
  readonly #head = element('section', { class: 'head' });
  readonly #actions = element('section', { class: 'buttons' });
  readonly #plot = element('section', { class: 'plots' });
  readonly #pace = element('section', { class: 'pace' });
  readonly #failures = element('section');
  readonly #journal = element('section');
  readonly #samples: Sample[];
  #progress: ProgressData | undefined;
  #failedNodes = -1;
  #offered = '';

  constructor(parts: Parts) {
    this.#parts = parts;
    const remembered = parts.connection.remembered as { samples?: Sample[] } | undefined;
    this.#samples = remembered?.samples ?? [];
    parts.root.replaceChildren(
      this.#head,
      this.#actions,
      this.#plot,
      this.#pace,
      this.#failures,
      this.#journal,
    );
    this.#remember();
  }

  /** Everything that the registry says now. */
  async refresh(): Promise<void> {
    const { connection, subject, root, tell } = this.#parts;
    const { planId } = subject;
    try {
      const plan = await connection.ask('plan', { planId });
      this.#draw(plan);
      this.#drawPace(plan);
      await Promise.all([this.#drawFailures(plan), this.#drawJournal()]);
      root.removeAttribute('aria-busy');
    } catch (error) {
      tell(error);
    }
  }

  progress(progress: ProgressData, at: number): void {
    this.#progress = progress;
    this.#samples.push({ at, perSecond: progress.nodesPerSecond });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
    this.#remember();
    this.#draw(progress.plan);
    if (progress.plan.failedNodes !== this.#failedNodes) void this.#drawFailures(progress.plan);
  }

  #remember(): void {
    this.#parts.connection.remember(this.#parts.subject, { samples: this.#samples });
  }

  #draw(plan: PlanData): void {
    const { connection } = this.#parts;
    const { say } = connection;
    const progress =
      isMoving(plan) && this.#progress?.plan.status === plan.status ? this.#progress : undefined;
    const settled = plan.completedNodes + plan.skippedNodes;
    const bar = element('progress', { label: say('Progress') });
    bar.max = Math.max(1, plan.totalNodes);
    bar.value = plan.status === 'rolling_back' ? plan.rolledBackNodes : settled;
    const held = progress?.heldBackBy && heldBackText(progress.heldBackBy, plan, say);
    const figures: readonly (readonly [string, string | undefined])[] = [
      [say('Done'), say('{done} of {total}', { done: count(settled), total: count(plan.totalNodes) })],
      [say('Failed'), plan.failedNodes > 0 ? count(plan.failedNodes) : undefined],
      [say('Put back'), plan.rolledBackNodes > 0 ? count(plan.rolledBackNodes) : undefined],
      [say('Rate'), progress && rate(progress.nodesPerSecond)],
      [say('Left'), progress?.etaSeconds === undefined ? undefined : timeLeft(progress.etaSeconds, say)],
      [say('Workers'), progress && count(progress.workers)],
      [say('Held back'), held],
    ];
    this.#head.replaceChildren(
      element(
        'h1',
        {},
        planName(plan),
        ' ',
        element('span', { class: `pill ${plan.status}` }, statusName(plan.status, say)),
      ),
      element('p', { class: 'quiet' }, `${this.#parts.subject.label} · ${plan.planId}`),
      element('div', { class: 'bar' }, bar, element('output', {}, percent(plan.progressPercent))),
      element(
        'dl',
        {},
        ...figures.filter(([, value]) => value !== undefined).map(([name, value]) => figure(name, value)),
      ),
      ...[plan.reason, plan.hold]
        .map((why) => why && element('p', { class: 'fault', role: 'status' }, `${why.code}: ${why.message}`))
        .filter((each) => each !== undefined),
    );
    this.#drawActions(plan);
    this.#plot.replaceChildren(...(this.#samples.length > 1 ? [ratePlot(this.#samples, say)] : []));
  }

  /** A button stays the same element while it is offered: one that is replaced loses the click or the focus. */
  #drawActions(plan: PlanData): void {
    const { connection, mayAct } = this.#parts;
    const { say } = connection;
    const can = capabilities(plan);
    const isIdle = isMoving(plan) && (this.#progress?.workers ?? 0) === 0;
    const buttons: readonly (readonly [Action, string, boolean])[] = [
      ['start', say('Start'), isIdle],
      ['pause', say('Pause'), can.includes('pausable')],
      ['resume', say('Resume'), can.includes('resumable')],
      ['retryFailed', say('Retry Failed'), can.includes('retryable')],
      ['cancel', say('Cancel…'), can.includes('cancellable')],
      ['rollBack', say('Roll Back…'), can.includes('reversible')],
    ];
    const offered = buttons.filter(([, , isOffered]) => mayAct && isOffered);
    const key = offered.map(([action]) => action).join(' ');
    if (key === this.#offered) return;
    this.#offered = key;
    const act = (action: Action) => () => connection.tell({ type: 'act', action, planId: plan.planId });
    this.#actions.replaceChildren(
      ...offered.map(([action, label]) => element('button', { type: 'button', onClick: act(action) }, label)),
    );
  }

  /** Not drawn with each progress: somebody may be typing. */
  #drawPace(plan: PlanData): void {
    if (this.#pace.contains(document.activeElement)) return;
    const { connection, mayAct } = this.#parts;
    const { say } = connection;
    const isTunable = mayAct && capabilities(plan).includes('tunable');
    const field = (setting: Setting, label: string) => {
      const onChange = (text: string) => {
        const value = Number(text);
        if (/^\d+$/.test(text)) connection.tell({ type: 'tune', planId: plan.planId, setting, value });
      };
      const value = String(plan[setting]);
      return element(
        'label',
        {},
        label,
        element('input', { type: 'number', value, disabled: !isTunable, onChange }),
      );
    };
    this.#pace.replaceChildren(
      element('h2', {}, say('Pace')),
      element(
        'div',
        { class: 'fields' },
        field('throttleMs', say('Throttle (ms)')),
        field('batchSize', say('Batch size')),
        field('maxParallelWorkers', say('Lanes')),
      ),
    );
  }

  async #drawFailures(plan: PlanData): Promise<void> {
    this.#failedNodes = plan.failedNodes;
    const { connection } = this.#parts;
    const { say } = connection;
    const { planId } = plan;
    const groups = plan.failedNodes === 0 ? [] : await connection.ask('failures', { planId });
    const open = new Set(
      [...this.#failures.querySelectorAll('details')]
        .filter((each) => each.open)
        .map((each) => each.dataset.code),
    );
    const blocks = await Promise.all(
      groups.map(async ({ code, count: size, message }) => {
        const page = await connection.ask('tasks', {
          planId,
          status: 'failed',
          errorCode: code,
          limit: ROWS,
        });
        const rows = page.items.map((task) => [
          task.nodeId,
          task.errorMessage ?? '',
          String(task.retryCount),
        ]);
        const list = table(code, [say('Node'), say('Error'), say('Retries')], rows);
        const more =
          page.next === undefined
            ? undefined
            : element('p', { class: 'quiet' }, say('The first {count} are shown.', { count: ROWS }));
        const made = element(
          'details',
          {},
          element('summary', {}, `${count(size)} × ${code} · ${message}`),
          list,
          more,
        );
        made.dataset.code = code;
        made.open = open.has(code);
        return made;
      }),
    );
    this.#failures.replaceChildren(
      ...(blocks.length > 0 ? [element('h2', {}, say('Failures')), ...blocks] : []),
    );
  }

  async #drawJournal(): Promise<void> {
    const { connection, subject } = this.#parts;
    const { say } = connection;
    const { items } = await connection.ask('journal', { planId: subject.planId, limit: ROWS });
    const rows = items.map((entry) => [moment(entry.at), entry.action, entry.actor]);
    this.#journal.replaceChildren(
      element('h2', {}, say('Journal')),
      table(say('Journal'), [say('When'), say('What'), say('Who')], rows),
    );
  }
}

function figure(name: string, value: string | undefined): HTMLElement {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
