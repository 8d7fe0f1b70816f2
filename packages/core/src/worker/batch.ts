/**
 * One batch, crash-safe: read, embed, back up, write, settle.
 *
 * Registry and node store are two systems, so each step may be followed by a crash and is safe to repeat:
 * a node found at the target is done, a backup is taken only of what was read off the target, a write lands
 * only on the node that was read, and nothing counts until the registry still holds the lease.
 */
import { nextTurn } from '../clock.ts';
import { type ManagerContext, nodesOf } from '../context.ts';
import { isRegistryError, type Reason, reasonOf } from '../errors.ts';
import { isAtTarget } from '../model/compatibility.ts';
import type { EmbeddingInfo } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';
import type { NodeWrite, StoredNode, WriteOutcome } from '../ports/node-store.ts';
import type { BackedUpNode, BatchResult, Lease, LeasedTask, TaskOutcome } from '../ports/registry-store.ts';
import { readBatch } from '../read-batch.ts';
import type { PlanNodes } from '../side-set.ts';
import { type InStep, measureSettled, measureWrites, observeBatch } from '../telemetry/batch.ts';
import type { PlanGuard } from '../witness/plan-guard.ts';
import { Budget } from './budget.ts';
import { type EmbeddedBatch, embedBatch, type Interruption } from './embed-batch.ts';
import { isVector } from './embed-call.ts';
import { backoffMs, CONFLICTS_AT_MOST, holdMs } from './pace.ts';
import { TokenLimit } from './token-limit.ts';

const FIRST_BATCH_AT_LEAST = 20;

export interface BatchEnd {
  /** False: the lease was lost, and nothing was counted. */
  readonly settled: boolean;
  readonly completed: number;
  readonly failedIds: readonly string[];
  /** Ask the plan to pause with this reason. */
  readonly pause?: Reason;
}

interface Wanted {
  readonly node: StoredNode;
  readonly content: string;
  readonly task: LeasedTask;
}

export interface BatchOptions {
  /** Once aborted, the call in hand ends as it may and no further one is made. */
  readonly stopping: AbortSignal;
  /** Says whether the embedder still is the model of the plan. */
  readonly guard: PlanGuard;
  /** The texts are embedded and the plan goes on: others may be, before these are written. */
  readonly onEmbedded: () => Promise<void>;
}

export function runBatch(context: ManagerContext, lease: Lease, options: BatchOptions): Promise<BatchEnd> {
  return observeBatch(lease, (inStep) => runSteps(context, lease, options, inStep));
}

async function runSteps(
  context: ManagerContext,
  lease: Lease,
  { stopping, onEmbedded, guard }: BatchOptions,
  inStep: InStep,
): Promise<BatchEnd> {
  const store = await nodesOf(context, lease.plan, 'Running a plan');
  const batch = new Batch(context, store, lease);
  await inStep('read', () => batch.read());
  const embedded = await inStep('embed', () => batch.embed(stopping, guard));
  // The calls of other batches are sent and answered first: what follows keeps them waiting.
  await (embedded.interruption === undefined && !batch.isToPause ? onEmbedded() : nextTurn());
  if (!(await inStep('backup', () => batch.backUp()))) return { settled: false, completed: 0, failedIds: [] };
  await inStep('write', () => batch.write());
  return inStep('settle', () => batch.settle(embedded));
}

class Batch {
  readonly #context: ManagerContext;
  readonly #store: PlanNodes;
  readonly #lease: Lease;
  readonly #target: EmbeddingInfo;
  readonly #tasks: ReadonlyMap<string, LeasedTask>;
  readonly #outcomes: TaskOutcome[] = [];
  #wanted: Wanted[] = [];
  #ready: { readonly wanted: Wanted; readonly vector: Vector }[] = [];
  #released = 0;
  #pause: Reason | undefined;

  constructor(context: ManagerContext, store: PlanNodes, lease: Lease) {
    this.#context = context;
    this.#store = store;
    this.#lease = lease;
    this.#target = lease.plan.targetSpec.info;
    this.#tasks = new Map(lease.tasks.map((task) => [task.nodeId, task]));
  }

  get isToPause(): boolean {
    return this.#pause !== undefined;
  }

  async read(): Promise<void> {
    const { nodes, unread } = await readBatch(this.#store, [...this.#tasks.keys()]);
    if (unread.length > 0) await this.#context.registry.release(this.#lease, unread);
    this.#released = unread.length;
    const isUnread = new Set(unread);
    let missing = 0;
    for (const task of this.#tasks.values()) {
      if (isUnread.has(task.nodeId)) continue;
      const node = nodes.get(task.nodeId);
      if (node === undefined) missing += 1;
      this.#sort(task, node);
    }
    this.#noteMissing(missing);
    await this.#refuseTooLong();
  }

  #sort(task: LeasedTask, node: StoredNode | undefined): void {
    const { nodeId } = task;
    if (node === undefined) this.#outcomes.push({ nodeId, status: 'skipped' });
    // It was deleted there since it was put to work: what the old side has of it is not brought again.
    else if (node.isOnlyOld && task.wasThere) this.#outcomes.push({ nodeId, status: 'completed' });
    else if (isAtTarget(node, this.#target)) this.#outcomes.push({ nodeId, status: 'completed' });
    else if (!node.content) this.#outcomes.push({ nodeId, status: 'failed', error: contentMissing });
    else this.#wanted.push({ node, content: node.content, task });
  }

  /** Most of a first batch is gone: the list or the store is likely the wrong one. Resuming confirms it. */
  #noteMissing(missing: number): void {
    const { plan } = this.#lease;
    const isFirst = plan.completedNodes + plan.failedNodes + plan.skippedNodes === 0;
    const read = this.#tasks.size - this.#released;
    if (!isFirst || read < FIRST_BATCH_AT_LEAST || missing * 2 <= read) return;
    this.#pause = {
      code: 'NODES_MISSING',
      message: `${missing} of the first ${read} nodes are not in the node store; check that it is the right one, then resume to go on without them.`,
    };
  }

  async #refuseTooLong(): Promise<void> {
    const limit = await TokenLimit.of(this.#context, this.#lease.plan.targetSpec);
    if (limit === undefined) return;
    const faults = await limit.check(this.#wanted.map(({ content }) => content));
    this.#wanted = this.#wanted.filter(({ task: { nodeId } }, index) => {
      const error = faults[index];
      if (error !== undefined) this.#outcomes.push({ nodeId, status: 'failed', error });
      return error === undefined;
    });
  }

  async embed(stopping: AbortSignal, guard: PlanGuard): Promise<EmbeddedBatch> {
    const contents = [...new Set(this.#wanted.map(({ content }) => content))];
    if (contents.length === 0) return { results: new Map(), answered: false };
    const bar = await guard.bar(this.#lease, stopping);
    const embedded: EmbeddedBatch =
      bar === undefined
        ? await this.#call(contents, stopping)
        : { results: new Map(), answered: false, interruption: bar };
    for (const wanted of this.#wanted) {
      const result = embedded.results.get(wanted.content);
      if (result === undefined) this.#outcomes.push({ nodeId: wanted.task.nodeId, status: 'pending' });
      else if (isVector(result)) this.#ready.push({ wanted, vector: result });
      else this.#outcomes.push(this.#failed(wanted.task, result));
    }
    return embedded;
  }

  #call(contents: readonly string[], stopping: AbortSignal): Promise<EmbeddedBatch> {
    const { embedders, clock } = this.#context;
    const { targetSpec: spec } = this.#lease.plan;
    const budget = Budget.of(this.#context, this.#lease, 'nodes');
    const isProbe = this.#lease.heldSince !== undefined;
    return embedBatch(contents, { embedders, clock, spec, purpose: 'document', isProbe, stopping, budget });
  }

  #failed(task: LeasedTask, error: Reason): TaskOutcome {
    const { nodeId, attempts } = task;
    const { clock } = this.#context;
    if (attempts >= this.#lease.plan.maxRetries) return { nodeId, status: 'failed', error };
    const notBefore = clock.now() + backoffMs(attempts, clock);
    return { nodeId, status: 'pending', error, charge: 'retry', notBefore };
  }

  /** False once the lease is lost: then nothing of this batch may be written. */
  async backUp(): Promise<boolean> {
    if (this.#ready.length === 0) return true;
    const { backupOldVectors, strategy } = this.#lease.plan;
    // Side by side a backup holds no vector: it says that there was none, which takes a node off again.
    const backups =
      backupOldVectors || strategy !== 'inPlace'
        ? this.#ready.map(({ wanted }) => backupOf(wanted.node))
        : [];
    return this.#context.registry.backUp(this.#lease, backups);
  }

  async write(): Promise<void> {
    if (this.#ready.length === 0) return;
    const writes = this.#ready.map(
      ({ wanted: { node }, vector }): NodeWrite => ({
        nodeId: node.id,
        fence: node.fence,
        set: { ...this.#target, vector, embeddedHash: node.contentHash },
      }),
    );
    const written = await this.#store.write(writes);
    measureWrites(this.#lease, written);
    const metThere = await this.#metThere(written);
    for (const [index, { wanted }] of this.#ready.entries())
      if (!metThere.has(wanted.node.id)) this.#noteWrite(wanted.task, written[index]);
      else this.#outcomes.push({ nodeId: wanted.node.id, status: 'completed' });
  }

  /**
   * Late nodes of the old side that somebody has put on the new one meanwhile. They are there, whatever the sweep
   * then makes of them: if they are deleted there before they are tried again, they are not to be brought.
   */
  async #metThere(written: readonly WriteOutcome[]): Promise<ReadonlySet<string>> {
    const late = this.#ready.filter(
      ({ wanted: { node } }, index) => node.isOnlyOld && written[index] === 'conflict',
    );
    if (late.length === 0) return new Set();
    const nodes = await this.#store.read(late.map(({ wanted: { node } }) => node.id));
    return new Set(nodes.filter(({ isOnlyOld }) => !isOnlyOld).map(({ id }) => id));
  }

  #noteWrite(task: LeasedTask, written: WriteOutcome | undefined): void {
    const { nodeId, conflicts } = task;
    const { clock } = this.#context;
    if (written === 'missing') this.#outcomes.push({ nodeId, status: 'skipped' });
    // Whatever is not said to be written is not: a store that answers too few outcomes is asked again.
    if (written === 'written' || written === 'missing') return;
    if (conflicts + 1 >= CONFLICTS_AT_MOST)
      this.#outcomes.push({ nodeId, status: 'failed', error: editedTooOften });
    else
      this.#outcomes.push({
        nodeId,
        status: 'pending',
        charge: 'conflict',
        notBefore: clock.now() + backoffMs(conflicts, clock),
      });
  }

  async settle({ answered, interruption }: EmbeddedBatch): Promise<BatchEnd> {
    const hold = interruption?.kind === 'hold' ? this.#hold(interruption, answered) : undefined;
    const result: BatchResult = {
      outcomes: this.#outcomes,
      embedderAnswered: answered,
      ...(hold && { hold }),
    };
    const settled = await this.#context.registry.settle(this.#lease, result);
    if (settled) measureSettled(this.#lease, result);
    const pause = interruption?.kind === 'pause' ? interruption.reason : this.#pause;
    const named = this.#outcomes.filter((outcome) => outcome.status !== 'completed').length;
    return {
      settled,
      completed: settled ? this.#tasks.size - this.#released - named : 0,
      failedIds: this.#outcomes
        .filter((outcome) => outcome.status === 'failed')
        .map((outcome) => outcome.nodeId),
      ...(pause && { pause }),
    };
  }

  #hold(
    { reason, retryAfterMs }: Extract<Interruption, { kind: 'hold' }>,
    answered: boolean,
  ): Reason & { until: number } {
    const { clock } = this.#context;
    const now = clock.now();
    const heldSince = answered ? now : (this.#lease.heldSince ?? now);
    return { ...reason, until: now + holdMs({ heldForMs: now - heldSince, retryAfterMs }, clock) };
  }
}

const contentMissing: Reason = {
  code: 'CONTENT_MISSING',
  message: 'The node has no content to embed; give it one, or delete it, then retry.',
};

const editedTooOften: Reason = {
  code: 'EDITED_TOO_OFTEN',
  message: `The node was edited during each of ${CONFLICTS_AT_MOST} attempts to write it; retry it when it rests.`,
};

function backupOf(node: StoredNode): BackedUpNode {
  const { id, content: _content, fence: _fence, isOnlyOld: _isOnlyOld, ...backup } = node;
  return { ...backup, nodeId: id };
}

/** What a failed step outside the embedder means for the plan: pause it, or try the batch again later. */
export function storeFailure(error: unknown): Exclude<Interruption, { kind: 'stop' }> {
  const reason = reasonOf(error, 'DATABASE_UNAVAILABLE');
  const lasting = [
    'DISK_FULL',
    'DATABASE_READONLY',
    'DATABASE_INVALID',
    'VECTOR_INVALID',
    'MODEL_DRIFTED',
    'NODE_STORE_MISSING',
    'STRATEGY_UNSUITABLE',
    'SERVER_DENIED',
    'SERVER_TOO_OLD',
    'COLLECTION_UNKNOWN',
    'COLLECTION_MISMATCH',
    'STRICT_MODE',
    'QUOTA_EXCEEDED',
    'MIGRATION_BUSY',
    'NODE_ID_CLASH',
  ];
  const kind = isRegistryError(error) && lasting.includes(error.code) ? 'pause' : 'hold';
  return { kind, reason };
}
