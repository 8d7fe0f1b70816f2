/** The instrumentation scope of every span and metric. */
export const SCOPE = '@registry/core';

/** What a number of telemetry measures, in which unit, and by which attributes it can be split. */
export interface MetricDescription {
  readonly kind: 'counter' | 'histogram';
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
  /** Upper bounds of the buckets of a histogram: those that SDKs use unless told are made for milliseconds. */
  readonly buckets?: readonly number[];
}

const secondBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const nodeBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

/** The attributes that are used. None holds an id or a content of a node. */
export const attribute = {
  modelId: 'embedding_registry.model.id',
  modelVersion: 'embedding_registry.model.version',
  planId: 'embedding_registry.plan.id',
  strategy: 'embedding_registry.plan.strategy',
  batchSize: 'embedding_registry.batch.size',
  isLeaseLost: 'embedding_registry.lease.lost',
  purpose: 'embedding_registry.embed.purpose',
  outcome: 'embedding_registry.outcome',
  errorType: 'error.type',
} as const;

const { modelId, modelVersion, planId, strategy, batchSize, isLeaseLost, purpose, outcome, errorType } =
  attribute;
const model = [modelId, modelVersion];

/**
 * Every metric and every span that a manager makes through `@opentelemetry/api`. `error.type` is a code of
 * `errorCodes`; times are seconds.
 */
export const telemetryNames = {
  metrics: {
    'embedding_registry.batch.duration': {
      kind: 'histogram',
      unit: 's',
      description: 'From the first step of a batch to its settlement.',
      attributes: [...model, errorType],
      buckets: secondBuckets,
    },
    'embedding_registry.batch.size': {
      kind: 'histogram',
      unit: '{node}',
      description: 'Nodes of a batch.',
      attributes: model,
      buckets: nodeBuckets,
    },
    'embedding_registry.embed.duration': {
      kind: 'histogram',
      unit: 's',
      description: 'One call of an embedder: of a worker, `embed` or a search.',
      attributes: [...model, purpose, outcome],
      buckets: secondBuckets,
    },
    'embedding_registry.embed.texts': {
      kind: 'counter',
      unit: '{text}',
      description: 'Texts that an embedder answered.',
      attributes: [...model, purpose],
    },
    'embedding_registry.embed.tokens': {
      kind: 'counter',
      unit: '{token}',
      description: 'Tokens of those texts, where the embedder counts them.',
      attributes: [...model, purpose],
    },
    'embedding_registry.node.writes': {
      kind: 'counter',
      unit: '{node}',
      description: 'Nodes that were given a vector of the target.',
      attributes: model,
    },
    'embedding_registry.node.failures': {
      kind: 'counter',
      unit: '{node}',
      description: 'Nodes that failed for good.',
      attributes: [...model, errorType],
    },
    'embedding_registry.node.retries': {
      kind: 'counter',
      unit: '{node}',
      description: 'Failed attempts at a node that are to be repeated.',
      attributes: [...model, errorType],
    },
    'embedding_registry.node.conflicts': {
      kind: 'counter',
      unit: '{node}',
      description: 'Writes that did not happen, since the node was edited meanwhile.',
      attributes: model,
    },
    'embedding_registry.node.rollbacks': {
      kind: 'counter',
      unit: '{node}',
      description: 'Nodes that a rollback went through, by what became of them.',
      attributes: [...model, outcome],
    },
    'embedding_registry.plan.holds': {
      kind: 'counter',
      unit: '{hold}',
      description: 'Times a plan was made to wait for what is no fault of a node.',
      attributes: [...model, errorType],
    },
    'embedding_registry.lease.losses': {
      kind: 'counter',
      unit: '{lease}',
      description: 'Batches that lost their lease and were not counted.',
      attributes: model,
    },
  } satisfies Readonly<Record<string, MetricDescription>>,
  spans: {
    'embedding_registry.batch': {
      description: 'One batch of a plan; the five steps below are its children.',
      attributes: [planId, ...model, strategy, batchSize, isLeaseLost, errorType],
    },
    'embedding_registry.batch.read': { description: 'Reading its nodes.', attributes: [errorType] },
    'embedding_registry.batch.embed': {
      description: 'Embedding their texts; spans of HTTP clients lie in it.',
      attributes: [errorType],
    },
    'embedding_registry.batch.backup': {
      description: 'Keeping what the nodes were.',
      attributes: [errorType],
    },
    'embedding_registry.batch.write': { description: 'Writing vectors and stamps.', attributes: [errorType] },
    'embedding_registry.batch.settle': { description: 'Counting the batch.', attributes: [errorType] },
    'embedding_registry.sweep': {
      description: 'A look through the store for nodes that are off the target.',
      attributes: [planId, ...model, strategy, errorType],
    },
    'embedding_registry.rollback': {
      description: 'The rollback of a plan, or what one worker did of it.',
      attributes: [planId, ...model, strategy, errorType],
    },
  },
} as const;

/** A key of `telemetryNames.metrics`. */
export type MetricName = keyof typeof telemetryNames.metrics;
/** A key of `telemetryNames.spans`. */
export type SpanName = keyof typeof telemetryNames.spans;
