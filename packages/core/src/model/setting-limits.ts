/** Lowest and highest value of each number of a plan. */
export const settingLimits = Object.freeze({
  migrationBatchSize: { minimum: 1, maximum: 10_000 },
  migrationThrottleMs: { minimum: 0, maximum: 3_600_000 },
  maxParallelWorkers: { minimum: 1, maximum: 64 },
  maxRetries: { minimum: 0, maximum: 100 },
  dutyCycle: { minimum: 0.1, maximum: 1 },
});
