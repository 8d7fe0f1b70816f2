import type { ModelRef } from '../model/model-spec.ts';

/** `error`: searches are wrong or will be. `warning`: something is left to be done. `note`: worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'note';

/** What the doctor can find. The code is the contract, the text is not. */
export const findingCodes = {
  WRONG_LENGTH: 'The vector has another length or datatype than the model of its stamp.',
  NOT_FINITE: 'The vector holds NaN or infinite elements.',
  ZERO_VECTOR: 'All elements of the vector are zero.',
  VECTORS_DIFFER: 'The model of the stamp makes other vectors of these texts now (a sample).',
  STAMP_UNKNOWN: 'The model of the stamp is not registered.',
  CHECKSUM_DIFFERS: 'The stamp names another configuration of the registered model.',
  CHECKSUM_EMPTY: 'The stamp does not say which configuration of the model it was.',
  UNSTAMPED: 'Nobody said which model made the vector.',
  IN_TRANSIT: 'A writer died within a write; the vector may be the old or the new one.',
  NOT_EMBEDDED: 'The node has a text and no vector.',
  BEHIND: 'The vector was made by another registered model than the active one.',
  STALE: 'The text was changed since its vector was made.',
  EMPTY_CONTENT: 'The node has no text that could be embedded.',
  CONTENT_TOO_LONG: 'The text is longer than the active model takes.',
  MIXED_MODELS: 'Vectors of several models lie under one search path.',
  NO_ACTIVE_MODEL: 'No model is active.',
  EMBEDDER_MISSING: 'The active model has no embedder here.',
  EMBEDDER_NOT_ACTIVE: 'An embedder stands for another model than the active one, and no plan needs it.',
  EMBEDDER_MISMATCH: 'An embedder stands for another configuration of a registered model.',
  EMBEDDER_FAILED: 'The embedder did not answer, so drift was not looked for.',
  MODEL_DRIFTED: 'The model no longer makes the vectors of its witness.',
  MODEL_COLLAPSED: 'The model makes one vector of all texts.',
  WITNESS_MISSING: 'The model has no witness by which drift could be noticed.',
  SAME_SPACE: 'Two registered models make the same vectors.',
  MODEL_SHUT_DOWN: 'The model was shut down by its provider.',
  MODEL_CLOSING: 'The model will be shut down or is deprecated.',
  PLAN_STUCK: 'An unfinished plan does not go on by itself.',
  PLAN_FAILED_NODES: 'Nodes of a plan failed for good.',
  STRAY_BACKUPS: 'Backups are kept that no plan can put back.',
} as const;

/** A key of {@link findingCodes}. */
export type FindingCode = keyof typeof findingCodes;

/** Something that is wrong, how often, where, and what mends it. */
export interface Finding {
  readonly severity: FindingSeverity;
  readonly code: FindingCode;
  /** Nodes, where it is about nodes; else models, plans, or backups. */
  readonly count: number;
  /** Ids of some of the nodes, five at most. */
  readonly sample: readonly string[];
  /** What is wrong, in a sentence without content of nodes. */
  readonly message: string;
  /** The call that mends it, or what to do first. */
  readonly remedy: string;
  readonly model?: ModelRef;
  readonly planId?: string;
}

/** Ids that a finding names at most. */
const SAMPLE = 5;

/** Counts nodes by what is wrong with them, and by model; a handful of ids of each. */
export class Tally {
  readonly #entries = new Map<
    string,
    { code: FindingCode; label: string; count: number; sample: string[] }
  >();
  readonly #onNode: ((code: FindingCode, nodeId: string) => void) | undefined;

  constructor(onNode?: (code: FindingCode, nodeId: string) => void) {
    this.#onNode = onNode;
  }

  /** `label`: of the model it is about, '' where it is about none. */
  add(code: FindingCode, nodeId: string, label = ''): void {
    const key = `${code} ${label}`;
    const entry = this.#entries.get(key) ?? { code, label, count: 0, sample: [] };
    entry.count += 1;
    if (entry.sample.length < SAMPLE) entry.sample.push(nodeId);
    this.#entries.set(key, entry);
    this.#onNode?.(code, nodeId);
  }

  get entries(): readonly { code: FindingCode; label: string; count: number; sample: readonly string[] }[] {
    return [...this.#entries.values()];
  }
}

const rank = { error: 0, warning: 1, note: 2 };

/** The worst first; what is equally bad stays in order. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => rank[a.severity] - rank[b.severity]);
}
