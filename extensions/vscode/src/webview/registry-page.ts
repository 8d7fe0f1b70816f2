import type { ModelRef } from '@registry/core';
import type { Say } from '../language.ts';
import { count, moment, percent } from '../model/figures.ts';
import { detailsText, subjectText } from '../model/journal-text.ts';
import type { DiagnosisData, Mending } from '../model/mending.ts';
import type { NodeCounts } from '../model/node-counts.ts';
import { modelName, planName, statusName } from '../model/plan-text.ts';
import type { PlanData, TaskData } from '../registry-process/messages.ts';
import { diagnosisView } from './diagnosis-view.ts';
import { element, pager, table } from './dom.ts';
import { modelDetails, modelTable } from './model-views.ts';
import type { PageParts } from './page-parts.ts';

const ROWS = 50;
const MOST_PLANS = 200;
const taskStatuses = [
  'failed',
  'pending',
  'in_progress',
  'completed',
  'skipped',
  'rolled_back',
  'cancelled',
] as const;
const tabs = ['models', 'plans', 'tasks', 'journal', 'health'] as const;
type Tab = (typeof tabs)[number];

/** Where a reader stands: what a page that is made again starts from. */
interface Place {
  tab: Tab;
  planId?: string;
  status?: string;
  /** Whose details are shown. */
  model?: string;
  /** Pages before this one, by where each begins. */
  before: string[];
}

/** A registry file as it is, for reading. */
export class RegistryPage {
  readonly #parts: PageParts<'registry'>;
  readonly #bar = element('nav', { role: 'tablist' });
  readonly #content = element('section', { role: 'tabpanel' });
  #place: Place;
  #counts: NodeCounts | undefined;
  #diagnosis: DiagnosisData | undefined;

  constructor(parts: PageParts<'registry'>) {
    this.#parts = parts;
    const remembered = parts.connection.remembered as { place?: Place } | undefined;
    this.#place = remembered?.place ?? { tab: 'models', before: [] };
    const { subject } = parts;
    const title = element('h1', {}, subject.label);
    parts.root.replaceChildren(
      title,
      element('p', { class: 'quiet' }, subject.path),
      this.#bar,
      this.#content,
    );
  }

  async refresh(): Promise<void> {
    const { connection, subject, tell } = this.#parts;
    try {
      connection.remember(subject, { place: this.#place });
      this.#drawBar();
      this.#content.replaceChildren(...(await this.#draw()));
      tell();
    } catch (error) {
      tell(error);
    }
  }

  /** Nodes have been counted. */
  counted(counts: NodeCounts | undefined): void {
    this.#counts = counts;
    if (this.#place.tab === 'models') void this.refresh();
  }

  /** The doctor has looked. */
  diagnosed(diagnosis: DiagnosisData | undefined, isWanted: boolean): void {
    this.#diagnosis = diagnosis;
    if (isWanted) this.#go({ tab: 'health', before: [] });
    else if (this.#place.tab === 'health') void this.refresh();
  }

  showModel(model: ModelRef): void {
    this.#go({ tab: 'models', before: [], model: modelName(model) });
  }

  #go(place: Place): void {
    this.#place = place;
    void this.refresh();
  }

  #drawBar(): void {
    const { say } = this.#parts.connection;
    const names: Record<Tab, string> = {
      models: say('Models'),
      plans: say('Plans'),
      tasks: say('Tasks'),
      journal: say('Journal'),
      health: say('Health'),
    };
    const buttons = tabs.map((tab) => {
      const { planId } = this.#place;
      const onClick = () =>
        this.#go({ tab, before: [], ...(planId !== undefined && tab === 'tasks' && { planId }) });
      const button = element('button', { type: 'button', role: 'tab', onClick }, names[tab]);
      button.setAttribute('aria-selected', String(tab === this.#place.tab));
      return button;
    });
    this.#bar.replaceChildren(...buttons);
  }

  async #draw(): Promise<readonly Node[]> {
    switch (this.#place.tab) {
      case 'models':
        return this.#models();
      case 'plans':
        return this.#plans();
      case 'tasks':
        return this.#tasks();
      case 'journal':
        return this.#journal();
      case 'health':
        return this.#health();
    }
  }

  async #models(): Promise<readonly Node[]> {
    const { connection } = this.#parts;
    const { say } = connection;
    const models = await connection.ask('models');
    if (models.length === 0) return [element('p', {}, say('No model is registered yet.'))];
    const open = (model: ModelRef) => this.#go({ tab: 'models', before: [], model: modelName(model) });
    const shown = models.find((model) => modelName(model) === this.#place.model);
    if (shown === undefined) return [modelTable(models, { counts: this.#counts, open }, say)];
    const { items } = await connection.ask('plans', { limit: MOST_PLANS });
    const plans = items.filter(
      ({ sourceSpec, targetSpec }) =>
        modelName(targetSpec) === this.#place.model || modelName(sourceSpec) === this.#place.model,
    );
    const back = element(
      'button',
      { type: 'button', class: 'link', onClick: () => this.#go({ tab: 'models', before: [] }) },
      say('All models'),
    );
    const rows = plans.map((plan) => this.#planCells(plan));
    return [
      back,
      modelDetails(shown, this.#counts, say),
      ...(rows.length === 0
        ? []
        : [element('h2', {}, say('Migrations')), table(say('Plans'), this.#planTitles, rows)]),
    ];
  }

  get #page(): { limit: number; after?: string } {
    const after = this.#place.before.at(-1);
    return { limit: ROWS, ...(after !== undefined && { after }) };
  }

  async #plans(): Promise<readonly Node[]> {
    const { connection } = this.#parts;
    const { say } = connection;
    const { items, next } = await connection.ask('plans', this.#page);
    if (items.length === 0) return [element('p', {}, say('No migration was planned yet.'))];
    const rows = items.map((plan) => this.#planCells(plan));
    return [table(say('Plans'), this.#planTitles, rows), this.#pager(next)];
  }

  get #planTitles(): readonly string[] {
    const { say } = this.#parts.connection;
    return [say('Plan'), say('Status'), say('Nodes'), say('Done'), say('Failed'), say('Created'), ''];
  }

  #planCells(plan: PlanData): (Node | string)[] {
    const { connection } = this.#parts;
    const { say } = connection;
    const { planId } = plan;
    const link = (label: string, onClick: () => void) =>
      element('button', { type: 'button', class: 'link', onClick, title: planId }, label);
    return [
      link(planName(plan), () => connection.tell({ type: 'watch', planId })),
      element('span', { class: `pill ${plan.status}` }, statusName(plan.status, say)),
      count(plan.totalNodes),
      percent(plan.progressPercent),
      count(plan.failedNodes),
      moment(plan.createdAt),
      link(say('Tasks'), () => this.#go({ tab: 'tasks', planId, before: [] })),
    ];
  }

  async #tasks(): Promise<readonly Node[]> {
    const { connection } = this.#parts;
    const { say } = connection;
    const { items: plans } = await connection.ask('plans', { limit: ROWS });
    const planId = this.#place.planId ?? plans[0]?.planId;
    if (planId === undefined) return [element('p', {}, say('No migration was planned yet.'))];
    const { status } = this.#place;
    const filter = this.#filter(plans, planId);
    const { items, next } = await connection.ask('tasks', {
      planId,
      ...this.#page,
      ...(status && { status }),
    });
    if (items.length === 0) return [filter, element('p', {}, say('No task is in this state.'))];
    return [filter, taskTable(items, say), this.#pager(next)];
  }

  #filter(plans: readonly PlanData[], planId: string): HTMLElement {
    const { say } = this.#parts.connection;
    const { status } = this.#place;
    const planOptions = plans.map((plan) =>
      option(plan.planId, `${planName(plan)} · ${plan.planId.slice(0, 8)}`, planId),
    );
    const known = plans.some((plan) => plan.planId === planId) ? [] : [option(planId, planId, planId)];
    const statusOptions = taskStatuses.map((each) => option(each, statusName(each, say), status));
    return element(
      'div',
      { class: 'fields' },
      element(
        'label',
        {},
        say('Plan'),
        element(
          'select',
          { onChange: (value) => this.#go({ ...this.#place, planId: value, before: [] }) },
          ...known,
          ...planOptions,
        ),
      ),
      element(
        'label',
        {},
        say('Status'),
        element(
          'select',
          {
            onChange: (value) =>
              this.#go({ tab: 'tasks', planId, before: [], ...(value !== '' && { status: value }) }),
          },
          option('', say('all'), status ?? ''),
          ...statusOptions,
        ),
      ),
    );
  }

  async #journal(): Promise<readonly Node[]> {
    const { connection } = this.#parts;
    const { say } = connection;
    const { items, next } = await connection.ask('journal', this.#page);
    if (items.length === 0) return [element('p', {}, say('Nothing was written down yet.'))];
    const rows = items.map((entry) => [
      moment(entry.at),
      entry.action,
      subjectText(entry),
      detailsText(entry.details),
      entry.actor,
    ]);
    return [
      table(say('Journal'), [say('When'), say('What'), say('Which'), say('Details'), say('Who')], rows),
      this.#pager(next),
    ];
  }

  async #health(): Promise<readonly Node[]> {
    const { connection, mayAct } = this.#parts;
    const { say } = connection;
    const diagnose = element(
      'button',
      { type: 'button', onClick: () => connection.tell({ type: 'diagnose' }) },
      this.#diagnosis === undefined ? say('Diagnose') : say('Diagnose Again'),
    );
    const button = mayAct ? [element('div', { class: 'buttons' }, diagnose)] : [];
    if (this.#diagnosis === undefined)
      return [element('p', {}, say('Nobody has looked through the nodes yet.')), ...button];
    const models = await connection.ask('models');
    const mend = (mending: Mending) => connection.tell({ type: 'mend', ...mending });
    return [...button, ...diagnosisView(this.#diagnosis, { models, mend: mayAct ? mend : undefined }, say)];
  }

  #pager(next: string | undefined): HTMLElement {
    const { before } = this.#place;
    const go = (to: string[]) => this.#go({ ...this.#place, before: to });
    return pager({ before, next, go }, this.#parts.connection.say);
  }
}

function option(value: string, label: string, chosen: string | undefined): HTMLOptionElement {
  const made = element('option', { value }, label);
  made.selected = value === chosen;
  return made;
}

function taskTable(tasks: readonly TaskData[], say: Say): HTMLElement {
  const rows = tasks.map((task) => [
    task.nodeId,
    element('span', { class: `pill ${task.status}` }, statusName(task.status, say)),
    task.errorCode === undefined ? '' : `${task.errorCode}: ${task.errorMessage ?? ''}`,
    String(task.retryCount),
    moment(task.completedAt),
  ]);
  return table(say('Tasks'), [say('Node'), say('Status'), say('Error'), say('Retries'), say('Ended')], rows);
}
