import type { JournalEntry, MigrationProgress, WorkerInfo } from '@registry/core';
import type { reads, writes } from './requests.ts';

/** What the extension sends to the process that reads and writes registries. */
export type Message =
  | {
      readonly id: number;
      readonly do: 'read';
      readonly path: string;
      readonly name: string;
      readonly input: unknown;
    }
  | {
      readonly id: number;
      readonly do: 'write';
      readonly path: string;
      readonly name: string;
      readonly input: unknown;
      readonly allowUpgrade: boolean;
    }
  /** Which registry a `config.yaml` names. */
  | { readonly id: number; readonly do: 'configured'; readonly path: string }
  /** Answers with each change of the plan until it rests or `stop` names this id. */
  | { readonly id: number; readonly do: 'watch'; readonly path: string; readonly planId: string }
  | { readonly id: number; readonly do: 'stop' };

/** What it answers; `progress` may come any number of times before the end. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly progress: ProgressData }
  | { readonly id: number; readonly upgradeNeeded: true }
  | { readonly id: number; readonly error: Fault };

/** An error as it crosses from one process to another. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

export type Reads = typeof reads;
export type Writes = typeof writes;
export type InputOf<Handler> = Handler extends (manager: never, input: infer Input) => unknown
  ? unknown extends Input
    ? undefined
    : Input
  : undefined;
export type OutputOf<Handler> = Handler extends (...args: never[]) => Promise<infer Output> ? Output : never;

export type ModelData = OutputOf<Reads['models']>[number];
export type PlanData = OutputOf<Reads['plan']>;
export type TaskData = OutputOf<Reads['tasks']>['items'][number];
export type WorkerData = WorkerInfo;
export type JournalData = JournalEntry;
export type Summary = OutputOf<Reads['summary']>;
export type ProgressData = Omit<MigrationProgress, 'plan'> & { readonly plan: PlanData };
