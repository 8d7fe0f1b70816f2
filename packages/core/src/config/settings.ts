import * as z from 'zod';
import { grouped } from '../model/grouped.ts';
import { settingLimits } from '../model/setting-limits.ts';

/** What a file, the environment or a caller may say about a registry; what is absent keeps its default. */
export interface RegistryConfig {
  /** `false`: no file is touched and every call rejects with `REGISTRY_DISABLED`. Default: true. */
  readonly enabled?: boolean;
  /** A file, relative to the working directory; `null`: `./data/embedding_registry.sqlite`. */
  readonly registryDbPath?: string | null;
  /** A switch of the active model migrates the existing nodes unless told otherwise. Default: false. */
  readonly autoMigrate?: boolean;
  /** Nodes per batch of a new plan: 1 to 10,000. Default: 100. */
  readonly migrationBatchSize?: number;
  /** Milliseconds that each lane of a new plan rests after its batch: 0 to 3,600,000. Default: 10. */
  readonly migrationThrottleMs?: number;
  /**
   * Batches of a new plan that are being embedded at a time, over all processes: 1 to 64. As many again may wait
   * to be written. Default: 2.
   */
  readonly maxParallelWorkers?: number;
  /** `false`: new plans keep no backups and cannot be rolled back. Default: true. */
  readonly backupOldVectors?: boolean;
  /** Further attempts after the first failure of a node: 0 to 100. Default: 3. */
  readonly maxRetries?: number;
  /** `false`: `startWorker` rests in state `disabled` and `runMigration` rejects. Default: true. */
  readonly workerEnabled?: boolean;
}

/** Every setting present and checked: what is inside the door asks no further. */
export type ResolvedRegistryConfig = {
  readonly [Name in keyof RegistryConfig]-?: NonNullable<RegistryConfig[Name]>;
};

export type SettingName = keyof RegistryConfig;

export const variablePrefix = 'HAIM_EMBEDDING_REGISTRY_';

export interface Setting {
  /** Its name in `config.yaml`. */
  readonly key: string;
  /** Its whole name in the environment. */
  readonly variable: string;
  readonly kind: 'switch' | 'number' | 'path';
  /** Accepts a value as YAML and callers give it. */
  readonly schema: z.ZodType;
  /** What is allowed in YAML and in code, and what in a variable; for error messages. */
  readonly allowed: string;
  readonly allowedText: string;
}

function flag(key: string): Setting {
  return {
    key,
    variable: variablePrefix + key.toUpperCase(),
    kind: 'switch',
    schema: z.boolean(),
    allowed: 'true or false',
    allowedText: 'true, 1, yes, on, false, 0, no or off',
  };
}

function count(key: string, name: keyof typeof settingLimits, unit: string): Setting {
  const { minimum, maximum } = settingLimits[name];
  const allowed = `a whole number of ${unit} from ${grouped(minimum)} to ${grouped(maximum)}`;
  return {
    key,
    variable: variablePrefix + key.toUpperCase(),
    kind: 'number',
    schema: z.int().min(minimum).max(maximum),
    allowed,
    allowedText: allowed,
  };
}

/** The nine settings; the order is that of the documentation. */
export const settings: Readonly<Record<SettingName, Setting>> = Object.freeze({
  enabled: flag('enabled'),
  registryDbPath: {
    key: 'registry_db_path',
    variable: `${variablePrefix}DB_PATH`, // the one variable that is not named after its key
    kind: 'path',
    schema: z
      .string()
      .regex(/^[^\0]*[^\s\0][^\0]*$/)
      .nullable(),
    allowed: 'the path of a file, or null for the default',
    allowedText: 'the path of a file',
  },
  autoMigrate: flag('auto_migrate'),
  migrationBatchSize: count('migration_batch_size', 'migrationBatchSize', 'nodes'),
  migrationThrottleMs: count('migration_throttle_ms', 'migrationThrottleMs', 'milliseconds'),
  maxParallelWorkers: count('max_parallel_workers', 'maxParallelWorkers', 'batches'),
  backupOldVectors: flag('backup_old_vectors'),
  maxRetries: count('max_retries', 'maxRetries', 'attempts'),
  workerEnabled: flag('worker_enabled'),
});

/** What holds where neither file, variable nor caller says otherwise. */
export const defaultConfig: ResolvedRegistryConfig = Object.freeze({
  enabled: true,
  registryDbPath: './data/embedding_registry.sqlite',
  autoMigrate: false,
  migrationBatchSize: 100,
  migrationThrottleMs: 10,
  maxParallelWorkers: 2,
  backupOldVectors: true,
  maxRetries: 3,
  workerEnabled: true,
});
