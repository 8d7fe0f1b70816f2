export { type Clock, systemClock } from './clock.ts';
export { type LoadConfigOptions, loadRegistryConfig } from './config/load-config.ts';
export { resolveConfig } from './config/resolve-config.ts';
export {
  defaultConfig,
  type RegistryConfig,
  type ResolvedRegistryConfig,
} from './config/settings.ts';
export type { Environment } from './config/variables.ts';
export type { DiagnosedModel, DiagnoseOptions, Diagnosis } from './doctor/diagnose.ts';
export { type DiagnoseStoreOptions, diagnoseStore } from './doctor/diagnose-store.ts';
export { type Finding, type FindingCode, type FindingSeverity, findingCodes } from './doctor/finding.ts';
export type { WitnessState } from './doctor/model-findings.ts';
export {
  EmbedderError,
  type EmbedderFailure,
  embedderFailureOf,
  errorCodes,
  isRegistryError,
  type Reason,
  RegistryError,
  type RegistryErrorCode,
  type RegistryErrorOptions,
  reasonOf,
} from './errors.ts';
export type { EstimateMigrationOptions, MigrationEstimate } from './estimate/estimate-migration.ts';
export type { Estimate } from './estimate/figures.ts';
export type { SourceCount } from './estimate/survey.ts';
export type { HeldBackBy, MigrationProgress, RegistryEvents, WorkerStats } from './events.ts';
export type { EvaluateMigrationOptions } from './gate/evaluate-migration.ts';
export type { Figure } from './gate/intervals.ts';
export { type GateLimit, gateConfidence, gateLimits } from './gate/limits.ts';
export type {
  GateCheck,
  GateMeasure,
  GateOverlap,
  GateReport,
  GateRetrieval,
  GateSample,
  GateSlice,
  GateSpace,
  GateVerdict,
  QueryKind,
  ScoreDistribution,
} from './gate/report.ts';
export type { GateQuery } from './gate/sample.ts';
export type { Cutoff, TranslatedThreshold, TranslateThresholdOptions } from './gate/translate-threshold.ts';
export { type Logger, silentLogger } from './logger.ts';
export { EmbeddingVersionManager } from './manager.ts';
export { type CalendarEntry, type CalendarModel, calendarDays, calendarOf } from './model/calendar.ts';
export { computeChecksum, contentHash, type Json } from './model/checksum.ts';
export {
  createVectorMetadata,
  type ForeignStamp,
  isAtTarget,
  isCompatible,
  sameStamp,
  stampOf,
  verifyVectorCompatibility,
} from './model/compatibility.ts';
export {
  type EmbeddingInfo,
  EmbeddingModelSpec,
  type ModelNotes,
  type ModelRef,
  RegisteredModel,
  type SpecFields,
} from './model/model-spec.ts';
export { compareNodeIds, parseNodeId } from './model/node-id.ts';
export {
  MigrationPlan,
  type NodeFilter,
  type PlanFields,
  type PlanSettings,
  type PlanTuning,
} from './model/plan.ts';
export { qualifiedId } from './model/qualified-id.ts';
export { quotesContent } from './model/quotes-content.ts';
export type { RollbackReport } from './model/rollback-report.ts';
export { scorer } from './model/score.ts';
export { settingLimits } from './model/setting-limits.ts';
export {
  backTruth,
  backVerdict,
  forwardTruth,
  forwardVerdict,
  type SidePair,
  type SideVerdict,
} from './model/side-truth.ts';
export { similarity } from './model/similarity.ts';
export { dollarsOf, type SpendCap, type Spending, tokensOfCap } from './model/spend-cap.ts';
export { MigrationStatus, Priority, type Strategy, TaskStatus } from './model/status.ts';
export { MigrationTask, type TaskFields } from './model/task.ts';
export {
  type Datatype,
  type Distance,
  type Vector,
  vectorBytes,
  vectorFault,
  vectorFits,
  vectorLength,
  vectorOfBytes,
} from './model/vector.ts';
export { type Witness, type WitnessSample, witnessTolerance } from './model/witness.ts';
export { witnessTexts } from './model/witness-texts.ts';
export { type OpenOptions, registryFileKind } from './open.ts';
export { parseOptions } from './options.ts';
export type { NodeIds } from './planner/create-plan.ts';
export { MigrationPlanner } from './planner/migration-planner.ts';
export type { CreateMigrationOptions } from './planner/plan-migration.ts';
export type { RetryFailedOptions } from './planner/retry-failed.ts';
export type { Selection } from './planner/selection.ts';
export type { SwitchActiveModelOptions } from './planner/switch-active-model.ts';
export type { Embedder } from './ports/embedder.ts';
export type {
  Comparison,
  Crossing,
  NodeHead,
  NodeStore,
  NodeWrite,
  Page,
  PageOptions,
  ReconciledPage,
  SideBySide,
  SideNotes,
  SidePlan,
  StoredNode,
  StrategyChoice,
  StrategyWish,
  WriteOutcome,
} from './ports/node-store.ts';
export type {
  BackedUpNode,
  BatchResult,
  Claim,
  FailureGroup,
  JournalEntry,
  Lease,
  LeasedTask,
  NodeBackup,
  PlanCreation,
  PlanDraft,
  RegistryStore,
  RollbackOutcome,
  RollbackResult,
  SideNote,
  TaskOutcome,
  TaskSeed,
  WorkerInfo,
} from './ports/registry-store.ts';
export type { Reservation, TokenCounts } from './ports/token-counts.ts';
export type { BackupTotals, EndedTasks, StampingEnd, SweepResult } from './ports/totals.ts';
export { EmbeddingRegistry, type RegisterModelOptions } from './registry.ts';
export {
  type ParentChannel,
  type RehearsalWorkerOptions,
  runRehearsalWorker,
} from './rehearsal/rehearsal-worker.ts';
export type { RehearseMigrationOptions } from './rehearsal/rehearse-migration.ts';
export type { RehearsalReport } from './rehearsal/report.ts';
export type { MakeScratchStore, ScratchStore } from './rehearsal/scratch.ts';
export type { WorkerProgram } from './rehearsal/worker-process.ts';
export { journalDetails } from './report/phrases.ts';
export type { WriteReportOptions } from './report/write-report.ts';
export type { SearchHit, SearchOptions } from './search.ts';
export type { RegistryFileKind } from './sqlite/examine.ts';
export type { StampNodesOptions } from './stamping.ts';
export { mayCreateStore, withoutStoreCreation } from './store-creation.ts';
export {
  type MetricDescription,
  type MetricName,
  type SpanName,
  telemetryNames,
} from './telemetry/names.ts';
export type { UnstampNodesOptions } from './unstamping.ts';
export type { CheckWitnessOptions, WitnessReport } from './witness/check-witness.ts';
export { ReEmbeddingWorker } from './worker/re-embedding-worker.ts';
