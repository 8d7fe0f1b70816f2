/** Every failure a caller can meet. The code is the contract, the text is not. */
export const errorCodes = {
  SPEC_INVALID: 'A model, a node id or an option is not valid; `details` lists what and why.',
  CONFIG_INVALID: 'A configuration file or variable is not valid; the message names key, value and source.',
  MODEL_CONFLICT: 'The id and version are taken by another specification; register the next version.',
  MODEL_UNKNOWN: 'No model is registered under this id and version; register it first.',
  MODEL_IN_USE: 'The model is active, part of a plan or stamped on a node, and cannot be removed.',
  MODEL_DRIFTED: 'The model no longer makes the vectors it made when it was registered.',
  REGISTRY_DISABLED: 'The configuration says `enabled: false`; enable it to use the registry.',
  REGISTRY_OLDER: 'The node store has seen later plans than this registry (an older copy?); resume to go on.',
  MIGRATION_REQUIRED: 'Nodes are not at the target; pass `migrateExisting: true`, or `false` to leave them.',
  PLAN_UNKNOWN: 'There is no plan with this id.',
  PLAN_OVERLAP: 'Nodes belong to another unfinished plan; finish, cancel or roll that one back first.',
  PLAN_STATE: 'The plan is in a status that does not allow this.',
  PLAN_FINALIZED: 'The backups of this plan were given up by finalize; create a plan back instead.',
  ORIGIN_PLAN:
    'The plan was made by the origin system, which re-embedded nothing; resume to run it, or create another.',
  NODE_UNKNOWN: 'The plan has no task for this node.',
  NODE_STORE_MISSING: 'The manager was opened without a node store; pass `nodeStore` to `open`.',
  NODE_STORE_MISMATCH: 'The registry belongs to another node store; two collections are two registries.',
  NODES_MISSING: 'Most nodes of the first batch are not in the store; check the list, then resume.',
  EMBEDDER_MISSING: 'No embedder for this model was passed to `open`.',
  EMBEDDER_MISMATCH: 'The embedder is for another specification of this model (checksum or dimension).',
  RATE_LIMITED: 'The embedder asks for fewer requests; the plan waits and goes on by itself.',
  EMBEDDER_FAILED: 'The embedder refused or failed; `kind` says whether these texts or every text.',
  VECTOR_INVALID: 'The embedder returned vectors of a wrong count or length, not finite, or all zero.',
  CONTENT_MISSING: 'The node has no content to embed.',
  CONTENT_TOO_LONG: 'The content is longer than the model accepts.',
  STAMP_MISMATCH: 'The sample shows that this model did not make the stored vectors.',
  BACKUP_MISSING: 'There is no backup to restore.',
  ROLLBACK_CONFLICT: 'The node was changed by the application since; its content was left alone.',
  ROLLBACK_UNSUPPORTED: 'The strategy of the plan cannot roll back what was asked for.',
  STRATEGY_UNSUITABLE: 'The node store cannot run this plan in this way.',
  NODES_BEHIND:
    'Readers were not moved: nodes of the old side are not on the new one yet; let a worker catch up.',
  GATE_NO_GO:
    'The gate found the new space worse, the message says in what; mend it, or override with a reason.',
  THRESHOLD_OUTSIDE: 'No pair of the sample has a score like this cut-off, so nothing is known of it.',
  LATER_WRITES:
    'Readers were not moved back: the old side lacks what was written since; carry it back, or lose it.',
  CONFIRMATION_MISSING:
    'What is to be dropped for good is to be named; pass the name from the message as `drop`.',
  MIGRATION_BUSY: 'Another plan, of this registry or another one, is at work on the same store.',
  EDITED_TOO_OFTEN: 'The node was edited during each of ten attempts to write it; retry when it rests.',
  KEEPS_REVERTING: 'Something keeps putting the node back to another model; mend the writer, then retry.',
  WORKER_DIED: 'Three workers died while this node was the only one in their hands.',
  DATABASE_NEWER: 'The database was written by a newer version; upgrade this one.',
  DATABASE_ORIGIN:
    'The database was written by the origin system; opening it for writing upgrades it, one way, beside a copy.',
  DATABASE_INVALID: 'The file is not a registry database, or it is damaged.',
  DATABASE_LOCKED: 'Another process held the lock on the database for too long; try again.',
  DATABASE_READONLY: 'The database or its folder cannot be written.',
  DATABASE_UNAVAILABLE: 'The database cannot be opened or was closed.',
  SERVER_UNREACHABLE: 'The server of the node store did not answer; check address, port and network.',
  SERVER_DENIED: 'The server of the node store refused the key; pass one that may do this.',
  SERVER_TOO_OLD:
    'The server of the node store lacks what this needs; upgrade it, or choose another strategy.',
  SERVER_FAILED: 'The server of the node store answered with an error; the message holds it.',
  COLLECTION_UNKNOWN: 'The server has no collection or alias of this name.',
  COLLECTION_MISMATCH: 'The collection is not laid out as it would have to be; it was left as it is.',
  STAMPS_MISSING:
    'Vectors carry no stamp, so nobody can say which model made them; `stampNodes` declares it.',
  DIMENSIONS_MIXED: 'Vectors of the collection have another length than the model says.',
  STRICT_MODE: 'The collection forbids a filter or a size that this needs; the message says which.',
  QUOTA_EXCEEDED: 'The server has no room left under its quota; nothing was lost. Make room, then resume.',
  ALIAS_TAKEN: 'The name is that of a collection, and an alias cannot bear it too.',
  NODE_ID_CLASH: 'Two node ids would be one point of the collection.',
  FILE_UNWRITABLE: 'The file cannot be written, or holds something else; the message names it.',
  SPEND_CAP: 'The next text would pass the spend cap of the plan; raise the cap, then resume.',
  DISK_FULL: 'The disk is full; nothing was lost. Make room, then resume.',
  RUNTIME_TOO_OLD: 'SQLite needs Node 22.14 or newer.',
} as const;

/** A key of {@link errorCodes}. */
export type RegistryErrorCode = keyof typeof errorCodes;

/** Why a plan or a task is in its status: a code and a sentence without content of nodes. */
export interface Reason {
  readonly code: RegistryErrorCode;
  readonly message: string;
}

// `Symbol.for`, since the ESM and CJS copies of this class may both be loaded in one process.
const marker = Symbol.for('@registry/core.error');

/** What an error carries beside its code and text. */
export interface RegistryErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base of every error this project throws. Test for it with {@link isRegistryError}. */
export class RegistryError extends Error implements Reason {
  readonly code: RegistryErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RegistryError';
    this.code = code;
    this.details = options.details ?? {};
    Object.defineProperty(this, marker, { value: true });
  }
}

/** Says whether a value is a {@link RegistryError}, of this copy of the package or another one. */
export function isRegistryError(value: unknown, code?: RegistryErrorCode): value is RegistryError {
  return (
    typeof value === 'object' &&
    value !== null &&
    marker in value &&
    (code === undefined || (value as unknown as RegistryError).code === code)
  );
}

/**
 * What an embedder says of a failure: `rateLimited` (wait), `transient` (5xx, timeout, connection),
 * `refused` (these texts), `fatal` (every text: key, model, quota).
 */
export type EmbedderFailure = 'rateLimited' | 'transient' | 'refused' | 'fatal';

/** Thrown by embedders; anything else they throw counts as `transient`. */
export class EmbedderError extends RegistryError {
  readonly kind: EmbedderFailure;
  /** Milliseconds the server asked to wait (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: EmbedderFailure,
    message: string,
    options: RegistryErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super('EMBEDDER_FAILED', message, options);
    this.name = 'EmbedderError';
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The failure kind of anything an embedder threw. */
export function embedderFailureOf(error: unknown): EmbedderFailure {
  return isRegistryError(error) && 'kind' in error ? (error as unknown as EmbedderError).kind : 'transient';
}

const MESSAGE_LIMIT = 500;

/** Turns anything thrown into a reason of at most 500 characters. */
export function reasonOf(error: unknown, fallback: RegistryErrorCode): Reason {
  const code = isRegistryError(error) ? error.code : fallback;
  const text = error instanceof Error || isRegistryError(error) ? error.message : String(error);
  if (text.length <= MESSAGE_LIMIT) return { code, message: text };
  // The cut may fall between the halves of a surrogate pair.
  return { code, message: `${text.slice(0, MESSAGE_LIMIT - 1).toWellFormed()}…` };
}
