import { type MigrationPlan, type MigrationProgress, systemClock } from '@registry/core';
import type { Ending, Output } from './output.ts';
import { counted, duration, grouped, modelName, reasonText, shortId, statusWord } from './screen/phrases.ts';
import { progressLine } from './screen/progress-line.ts';
import type { ExitCode } from './terminal.ts';
import { terminal } from './terminal.ts';

const SCREEN_EVERY_MS = 100;
const JSON_EVERY_MS = 500;
const LINE_EVERY_MS = 5_000;
const LINE_COLUMNS = 120;

/** Shows how plans go on: a bar on a screen, a line every few seconds elsewhere, objects with `--json`. */
export class ProgressReport {
  readonly #output: Output;
  readonly #isShown: boolean;
  #shownAt = Number.NEGATIVE_INFINITY;
  #shown = '';

  /** Without `isShown` plans are followed in silence. */
  constructor(output: Output, isShown = true) {
    this.#output = output;
    this.#isShown = isShown;
  }

  show(progress: MigrationProgress): void {
    if (!this.#isShown) return;
    const { plan } = progress;
    const now = systemClock.now();
    const state = `${plan.planId} ${plan.status} ${plan.hold?.until} ${progress.heldBackBy}`;
    const { json } = this.#output;
    const everyMs = json ? JSON_EVERY_MS : terminal.notesToScreen ? SCREEN_EVERY_MS : LINE_EVERY_MS;
    if (state === this.#shown && now - this.#shownAt < everyMs) return;
    this.#shownAt = now;
    this.#shown = state;
    if (json) this.#output.event('progress', progress);
    else if (terminal.notesToScreen) this.#output.progress(progressLine(progress, terminal.noteColumns));
    else this.#output.note(progressLine(progress, LINE_COLUMNS));
  }

  /** Follows a plan to where it rests, or the signal aborts. */
  async follow(all: AsyncIterable<MigrationProgress>): Promise<MigrationProgress | undefined> {
    let last: MigrationProgress | undefined;
    for await (const progress of all) {
      this.show(progress);
      last = progress;
    }
    return last;
  }
}

/** What is said of a plan that rests, or of one whose run was stopped, and the exit code for it. */
export function endingOf(output: Output, plan: MigrationPlan, data: object = { plan }): Ending {
  output.progress('');
  const short = shortId(plan);
  const { word, exitCode, next } = verdict(plan, short);
  const seconds =
    plan.startedAt && plan.completedAt
      ? ` in ${duration((Date.parse(plan.completedAt) - Date.parse(plan.startedAt)) / 1000)}`
      : '';
  output.say(`${word}: plan ${short} to ${modelName(plan.targetSpec)}${seconds}`);
  output.say(summary(plan));
  // Of failed tasks the line below says where to look.
  if (plan.reason !== undefined && plan.status !== 'failed') output.say(reasonText(plan.reason, plan.planId));
  for (const line of next) output.note(line);
  return { exitCode, data };
}

function summary(plan: MigrationPlan): string {
  const parts = [
    `${grouped(plan.completedNodes)} of ${counted(plan.totalNodes, 'node')} done`,
    ...(plan.failedNodes > 0 ? [`${grouped(plan.failedNodes)} failed`] : []),
    ...(plan.skippedNodes > 0 ? [`${grouped(plan.skippedNodes)} gone`] : []),
    ...(plan.rolledBackNodes > 0 ? [`${grouped(plan.rolledBackNodes)} rolled back`] : []),
  ];
  return parts.join(', ');
}

function verdict(
  plan: MigrationPlan,
  short: string,
): { word: string; exitCode: ExitCode; next: readonly string[] } {
  const word = statusWord(plan.status).replace(/^./, (letter) => letter.toUpperCase());
  switch (plan.status) {
    case 'completed':
      return {
        word,
        exitCode: 0,
        next: plan.cutOverAt
          ? []
          : [`Next, unless ${modelName(plan.targetSpec)} is active already: evr cutover ${short}`],
      };
    case 'rolled_back':
      return { word, exitCode: 0, next: [] };
    case 'failed':
      return {
        word,
        exitCode: 1,
        next: [`evr tasks ${short} shows why; evr retry ${short}, then evr run ${short}, tries them again.`],
      };
    case 'paused':
      return {
        word,
        exitCode: plan.reason === undefined ? 3 : 1,
        next: [`evr resume ${short}, then evr run ${short}, goes on.`],
      };
    case 'cancelled':
      return { word, exitCode: 3, next: [`evr rollback ${short} puts back what was done.`] };
    default:
      return { word: 'Stopped', exitCode: 3, next: [`evr run ${short} goes on.`] };
  }
}
