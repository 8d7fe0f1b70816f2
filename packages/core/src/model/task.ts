import type { RegistryErrorCode } from '../errors.ts';
import type { EmbeddingInfo } from './model-spec.ts';
import type { Priority, TaskStatus } from './status.ts';

/** What a task consists of, without what follows from it. */
export interface TaskFields {
  readonly planId: string;
  readonly nodeId: string;
  /** The stamp the node carried when the task was made; absent for a node without one. */
  readonly source?: EmbeddingInfo;
  readonly target: EmbeddingInfo;
  readonly status: TaskStatus;
  readonly priority: Priority;
  readonly retryCount: number;
  readonly maxRetries: number;
  /** ISO times. */
  readonly nextAttemptAt?: string;
  readonly errorCode?: RegistryErrorCode;
  /** At most 500 characters, never content. */
  readonly errorMessage?: string;
  /** A backup exists and was not given up. */
  readonly canRollback: boolean;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
}

/** A migration of one node: a frozen snapshot. */
export interface MigrationTask extends TaskFields {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns every field of TaskFields.
export class MigrationTask {
  constructor(fields: TaskFields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  get taskId(): string {
    return `${this.planId}:${this.nodeId}`;
  }

  /** From the claim of the task's batch to its settlement; undefined until then. */
  get durationSeconds(): number | undefined {
    if (this.startedAt === undefined || this.completedAt === undefined) return undefined;
    return (Date.parse(this.completedAt) - Date.parse(this.startedAt)) / 1000;
  }

  toJSON(): TaskFields & { readonly taskId: string; readonly durationSeconds?: number } {
    const { taskId, durationSeconds } = this;
    return { ...(this as TaskFields), taskId, ...(durationSeconds !== undefined && { durationSeconds }) };
  }
}
