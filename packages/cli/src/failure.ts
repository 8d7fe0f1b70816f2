import { isRegistryError, type RegistryErrorCode } from '@registry/core';
import { inCommands } from './screen/in-commands.ts';
import { type ExitCode, Stopped } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** What a command ended with instead of its result. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
  /** The same where it names methods of the library: in commands, for people. */
  readonly inCommands?: string;
  /** What to do, in words of the command line. */
  readonly advice?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What went wrong at work; every other code is a call that was refused before anything was done. */
const atWork: ReadonlySet<string> = new Set<RegistryErrorCode>([
  'EMBEDDER_FAILED',
  'RATE_LIMITED',
  'VECTOR_INVALID',
  'CONTENT_MISSING',
  'CONTENT_TOO_LONG',
  'STAMP_MISMATCH',
  'MODEL_DRIFTED',
  'DATABASE_LOCKED',
  'DISK_FULL',
  'QUOTA_EXCEEDED',
  'SERVER_UNREACHABLE',
  'SERVER_FAILED',
  'NODES_BEHIND',
  'GATE_NO_GO',
]);

const advice: Partial<Record<RegistryErrorCode, string>> = {
  MODEL_UNKNOWN: '`evr models` lists the registered ones, `evr models register` adds those of the embedders.',
  MODEL_CONFLICT: 'Give the embedder the next version, then `evr models register`.',
  MODEL_IN_USE: '`evr status` and `evr list` show what uses it.',
  PLAN_UNKNOWN: '`evr list` names the plans.',
  PLAN_OVERLAP: '`evr list` names the plans; finish, cancel or roll that one back first.',
  PLAN_FINALIZED: 'The way back is a plan to the old model: `evr plan --to <model>`.',
  MIGRATION_REQUIRED:
    '`evr models activate <model> --migrate` re-embeds them, `--no-migrate` leaves them as they are.',
  NODE_STORE_MISSING:
    'Add `nodeStore: () => …` to embedding-registry.config.ts; `evr init` shows what it looks like.',
  NODE_STORE_MISMATCH:
    'Two collections are two registries: name them under `registries`, or choose with --db.',
  EMBEDDER_MISSING: 'Add an embedder for this model to `embedders` in embedding-registry.config.ts.',
  EMBEDDER_MISMATCH: 'Change the embedder back, or register what it is now as the next version.',
  DATABASE_ORIGIN: 'Run the command again and say yes, or pass --yes. `evr inspect` reads it as it is.',
  DATABASE_LOCKED: 'Try again; `evr status` shows which workers are at it.',
  DATABASE_READONLY: 'Give this user the right to write the file and its folder.',
  DATABASE_NEWER: 'Install the newer @registry/cli.',
  DISK_FULL: 'Make room, then run the command again.',
  QUOTA_EXCEEDED: 'Make room on the server, then run the command again.',
  NODES_BEHIND: '`evr run <plan>` catches up; --accept-behind <n> moves readers all the same.',
  CONFIRMATION_MISSING: 'Pass that name with --drop.',
  LATER_WRITES: 'Add the embedder of the old model to the configuration file, or pass --later-writes lose.',
  STAMPS_MISSING: '`evr stamp --as <model>` declares the model of vectors without a stamp.',
  SERVER_DENIED: 'Check the key that the configuration file hands to the node store.',
  REGISTRY_DISABLED:
    'Set `enabled: true` and `workerEnabled: true` in the file or variable that says otherwise.',
  STAMP_MISMATCH: 'Stamp with the model that made the vectors, or re-embed the nodes with `evr plan`.',
};

/** @param hasBegun whether work was under way: what fails then has failed, and was not refused. */
export function failureOf(error: unknown, hasBegun: boolean): Failure {
  if (error instanceof Stopped)
    return { exitCode: 3, code: 'STOPPED', message: error.message, details: {}, advice: 'Run it again.' };
  if (error instanceof UsageError) {
    const { code, message, details } = error;
    return { exitCode: 2, code, message, details, ...(error.advice && { advice: error.advice }) };
  }
  if (isRegistryError(error)) {
    const { code, message, details } = error;
    const said = advice[code];
    return {
      exitCode: hasBegun || atWork.has(code) ? 1 : 2,
      code,
      message,
      inCommands: inCommands(message, typeof details.planId === 'string' ? details.planId : undefined),
      details,
      ...(said !== undefined && { advice: said }),
    };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    exitCode: 1,
    code: 'UNEXPECTED',
    message,
    details: {},
    advice: '--verbose shows where it came from.',
  };
}
