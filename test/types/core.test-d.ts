/** What the compiler tells the users of @registry/core; checked by `pnpm types`, never run. */
import {
  type Embedder,
  EmbedderError,
  type EmbeddingModelSpec,
  EmbeddingVersionManager,
  type HeldBackBy,
  isRegistryError,
  type MigrationPlan,
  type MigrationProgress,
  MigrationStatus,
  type NodeStore,
  Priority,
  type RegistryErrorCode,
  type RegistryEvents,
  type RollbackReport,
  type SpendCap,
  TaskStatus,
  type Vector,
  type WorkerStats,
  type WriteOutcome,
} from '@registry/core';
import { expectTypeOf } from 'vitest';

declare const manager: EmbeddingVersionManager;
declare const plan: MigrationPlan;
const to = { targetModelId: 'a', targetVersion: 2 };

// Plans: what they are made of, and what comes back.
expectTypeOf(manager.createMigration(to)).resolves.toEqualTypeOf<MigrationPlan>();
expectTypeOf(manager.switchActiveModel(to)).resolves.toEqualTypeOf<MigrationPlan | undefined>();
expectTypeOf(
  manager.switchActiveModel({ ...to, migrateExisting: true }),
).resolves.toEqualTypeOf<MigrationPlan>();
expectTypeOf(manager.rollbackMigration({ planId: 'p' })).resolves.toEqualTypeOf<RollbackReport>();
manager.createMigration({ ...to, priority: Priority.HIGH, strategy: 'shadow', where: { topic: 'x' } });
manager.createMigration({ ...to, nodeIds: new Set(['a']), spendCap: { dollars: 5 } });
// @ts-expect-error no target
manager.createMigration({ targetModelId: 'a' });
// @ts-expect-error a version is a number
manager.createMigration({ targetModelId: 'a', targetVersion: '2' });
// @ts-expect-error a misspelt option would be left out silently
manager.createMigration({ ...to, batchsize: 10 });
// @ts-expect-error no such strategy
manager.createMigration({ ...to, strategy: 'inplace' });
// @ts-expect-error priorities are the numbers of Priority
manager.createMigration({ ...to, priority: 'HIGH' });
// @ts-expect-error conditions are equalities with plain values
manager.createMigration({ ...to, where: { topic: { $in: ['x'] } } });
// @ts-expect-error one unit or the other
manager.createMigration({ ...to, spendCap: { euros: 5 } });
// @ts-expect-error the only other way to treat later writes is to carry them back
manager.rollbackMigration({ planId: 'p', laterWrites: 'keep' });

// Snapshots are frozen.
// @ts-expect-error a plan is changed by calls
plan.status = MigrationStatus.PAUSED;
// @ts-expect-error a specification never changes
plan.targetSpec.checksum = 'x';

// Unions are told apart exhaustively: a new member breaks these, as it breaks what users have written.
const never = (value: never): never => value;
function ofStatus(status: MigrationStatus): boolean {
  switch (status) {
    case MigrationStatus.PENDING:
    case 'in_progress':
    case 'paused':
    case 'rolling_back':
      return false;
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'rolled_back':
      return true;
    default:
      return never(status);
  }
}
expectTypeOf(ofStatus).parameter(0).toEqualTypeOf<(typeof plan)['status']>();
expectTypeOf<Record<TaskStatus, 1>>().toEqualTypeOf<
  Record<'pending' | 'in_progress' | 'completed' | 'failed' | 'skipped' | 'rolled_back' | 'cancelled', 1>
>();
expectTypeOf<Priority>().toEqualTypeOf<0 | 1 | 2 | 3>();
expectTypeOf<WriteOutcome>().toEqualTypeOf<'written' | 'conflict' | 'missing'>();
expectTypeOf<NonNullable<MigrationProgress['heldBackBy']>>().toEqualTypeOf<HeldBackBy>();

function amountOf(cap: SpendCap): number {
  if ('dollars' in cap) return cap.dollars;
  expectTypeOf(cap).toEqualTypeOf<{ readonly tokens: number }>();
  return cap.tokens;
}
expectTypeOf(amountOf).returns.toBeNumber();

// Events: the name decides what a listener is told.
expectTypeOf(manager.on('plan:created', () => {})).toEqualTypeOf<() => void>();
manager.on('plan:changed', ({ plan: changed, from }) => {
  expectTypeOf(changed).toEqualTypeOf<MigrationPlan>();
  expectTypeOf(from).toEqualTypeOf<MigrationStatus>();
});
manager.on('worker:changed', (stats) => expectTypeOf(stats).toEqualTypeOf<WorkerStats>());
expectTypeOf<keyof RegistryEvents>().toEqualTypeOf<
  | 'model:registered'
  | 'model:activated'
  | 'plan:created'
  | 'plan:changed'
  | 'plan:cutover'
  | 'batch:settled'
  | 'task:failed'
  | 'worker:changed'
>();
// @ts-expect-error no such event
manager.on('plan:done', () => {});
// @ts-expect-error another event's listener
manager.on('plan:created', (stats: WorkerStats) => stats);

// Errors: told by their code, which is one of a table.
declare const thrown: unknown;
if (isRegistryError(thrown, 'PLAN_OVERLAP')) {
  expectTypeOf(thrown.code).toEqualTypeOf<RegistryErrorCode>();
  expectTypeOf(thrown.message).toBeString();
}
// @ts-expect-error no such code
isRegistryError(thrown, 'PLAN_OVERLAPS');
new EmbedderError('rateLimited', 'wait', { retryAfterMs: 1000 });
// @ts-expect-error no such failure
new EmbedderError('timeout', 'wait');

// Vectors: numbers are not told from bits by an array.
expectTypeOf<Vector>().toEqualTypeOf<Float32Array | Uint8Array>();
declare const spec: EmbeddingModelSpec;
const embedder: Embedder = { spec, embed: async (texts) => texts.map(() => new Float32Array(3)) };
expectTypeOf(embedder.embed).parameter(1).toMatchTypeOf<{ purpose: 'document' | 'query' }>();
// @ts-expect-error plain arrays are neither
const untyped: Embedder = { spec, embed: async (texts) => texts.map(() => [1, 2, 3]) };
expectTypeOf(manager.embed(['a'])).resolves.toHaveProperty('info');
expectTypeOf(untyped).toEqualTypeOf<Embedder>();

// Opening.
declare const nodeStore: NodeStore;
expectTypeOf(
  EmbeddingVersionManager.open({ dbPath: 'x', nodeStore, embedders: [embedder] }),
).resolves.toEqualTypeOf<EmbeddingVersionManager>();
// @ts-expect-error one store
EmbeddingVersionManager.open({ dbPath: 'x', nodeStore: [nodeStore] });
expectTypeOf(TaskStatus.COMPLETED).toEqualTypeOf<'completed'>();
