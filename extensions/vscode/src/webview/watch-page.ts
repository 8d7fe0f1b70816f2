import { count, percent, rate, timeLeft } from '../model/figures.ts';
import { reasonText } from '../model/in-editor-words.ts';
import { parseTuning, spendingText, type Tunable, tuningValue } from '../model/pace-input.ts';
import { capabilities } from '../model/plan-capabilities.ts';
import { heldBackOf, isMoving, planName, statusName } from '../model/plan-text.ts';
import type { pageActions } from '../panels/protocol.ts';
import type { PlanData, ProgressData } from '../registry-process/messages.ts';
import { element } from './dom.ts';
import { FailuresSection } from './failures-section.ts';
import { gateView } from './gate-view.ts';
import { HistorySection } from './history-section.ts';
import type { PageParts } from './page-parts.ts';
import { ratePlot, type Sample } from './rate-plot.ts';
import { workersView } from './workers-view.ts';

const MOST_SAMPLES = 600;
const MOST_IN_HAND = 200;

type Action = (typeof pageActions)[number];

/** A plan while it runs, and after. */
export class WatchPage {
  readonly #parts: PageParts<'watch'>;
  readonly #head = element('section', { class: 'head' });
  readonly #actions = element('section', { class: 'buttons' });
  readonly #plot = element('section', { class: 'plots' });
  readonly #pace = element('section', { class: 'pace' });
  readonly #failures: FailuresSection;
  readonly #workers = element('section');
  readonly #gate = element('section');
  readonly #history: HistorySection;
  readonly #samples: Sample[];
  #progress: ProgressData | undefined;
  #failedNodes = -1;
  #inHand: string | undefined;
  #isCounting = false;
  #isAlone = false;
  #offered = '';

  constructor(parts: PageParts<'watch'>) {
    this.#parts = parts;
    const remembered = parts.connection.remembered as { samples?: Sample[] } | undefined;
    this.#samples = remembered?.samples ?? [];
    const { connection, subject, mayAct } = parts;
    this.#failures = new FailuresSection(connection, mayAct);
    this.#history = new HistorySection(connection, subject.planId);
    parts.root.replaceChildren(
      this.#head,
      this.#actions,
      this.#plot,
      this.#pace,
      this.#failures.element,
      this.#workers,
      this.#gate,
      this.#history.element,
    );
    this.#remember();
  }

  /** Everything that the registry says now. */
  async refresh(): Promise<void> {
    const { connection, subject, tell } = this.#parts;
    const { planId } = subject;
    try {
      const [plan] = await Promise.all([connection.ask('plan', { planId }), this.#drawWorkers()]);
      this.#draw(plan);
      this.#drawPace(plan);
      this.#failedNodes = plan.failedNodes;
      await Promise.all([this.#failures.draw(plan), this.#drawGate(), this.#history.draw()]);
      if (isMoving(plan)) await this.#countInHand();
      tell();
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
    void this.#countInHand();
    if (progress.plan.failedNodes === this.#failedNodes) return;
    this.#failedNodes = progress.plan.failedNodes;
    void this.#failures.draw(progress.plan);
  }

  /** How many nodes workers have taken and not settled yet, and who they are. */
  async #countInHand(): Promise<void> {
    if (this.#isCounting) return;
    this.#isCounting = true;
    try {
      const { connection, subject } = this.#parts;
      const { planId } = subject;
      const { items, next } = await connection.ask('tasks', {
        planId,
        status: 'in_progress',
        limit: MOST_IN_HAND,
      });
      await this.#drawWorkers();
      this.#inHand = next === undefined ? count(items.length) : `${count(items.length)}+`;
    } catch {
      // The page says elsewhere that the registry cannot be read.
    } finally {
      this.#isCounting = false;
    }
  }

  async #drawWorkers(): Promise<void> {
    const { connection, subject } = this.#parts;
    const workers = await connection.ask('workers');
    this.#isAlone = workers.length === 0;
    this.#workers.replaceChildren(...workersView(workers, subject.planId, connection.say));
  }

  async #drawGate(): Promise<void> {
    const { connection, subject } = this.#parts;
    this.#gate.replaceChildren(...(await gateView(connection, subject.planId)));
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
    const figures: readonly (readonly [string, string | undefined])[] = [
      [say('Done'), say('{done} of {total}', { done: count(settled), total: count(plan.totalNodes) })],
      [say('Failed'), plan.failedNodes > 0 ? count(plan.failedNodes) : undefined],
      [say('Put back'), plan.rolledBackNodes > 0 ? count(plan.rolledBackNodes) : undefined],
      [say('Rate'), progress && rate(progress.nodesPerSecond)],
      [say('Left'), progress?.etaSeconds === undefined ? undefined : timeLeft(progress.etaSeconds, say)],
      [say('In Hand'), progress && this.#inHand],
      [say('Lanes'), progress && count(plan.maxParallelWorkers)],
      [say('Workers'), progress && count(progress.workers)],
      [say('Spent'), plan.spendCap && spendingText(plan, say)],
      [
        say('Held back'),
        heldBackOf(plan, progress ?? (this.#isAlone ? { heldBackBy: 'noWorker' } : undefined), say),
      ],
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
        .map((why) => why && element('p', { class: 'fault', role: 'status' }, reasonText(why)))
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
      ['askGate', say('Ask the Gate'), can.includes('cuttable')],
      ['cutOver', say('Cut Over…'), can.includes('cuttable')],
      ['cancel', say('Cancel…'), can.includes('cancellable')],
      ['rollBack', say('Roll Back…'), can.includes('reversible')],
      ['finalize', say('Give Backups Up…'), can.includes('finalizable')],
      ['writeReport', say('Write Report…'), true],
    ];
    // A report changes nothing but the file it becomes.
    const offered = buttons.filter(
      ([action, , isOffered]) => isOffered && (mayAct || action === 'writeReport'),
    );
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
    const complaint = element('p', { class: 'fault', role: 'alert' });
    const field = (setting: Tunable, label: string) => {
      const onChange = (text: string) => {
        const parsed = parseTuning(setting, text, say);
        complaint.textContent = 'complaint' in parsed ? `${label}: ${parsed.complaint}` : '';
        if ('tuning' in parsed) connection.tell({ type: 'tune', planId: plan.planId, tuning: parsed.tuning });
      };
      const value = tuningValue(setting, plan);
      const type = setting === 'spendCap' ? 'text' : 'number';
      return element('label', {}, label, element('input', { type, value, disabled: !isTunable, onChange }));
    };
    this.#pace.replaceChildren(
      element('h2', {}, say('Pace')),
      element(
        'div',
        { class: 'fields' },
        field('throttleMs', say('Throttle (ms)')),
        field('batchSize', say('Batch size')),
        field('maxParallelWorkers', say('Lanes')),
        field('dutyCycle', say('Duty cycle (%)')),
        field('spendCap', say('Spend cap (usd or tokens)')),
      ),
      complaint,
    );
  }
}

function figure(name: string, value: string | undefined): HTMLElement {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
