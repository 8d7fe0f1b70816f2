/** What a rehearsal and a process that works for it say to each other. */
import type { EmbedderFailure, RegistryErrorCode } from '../errors.ts';
import type { SpecFields } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';
import type { Embedder } from '../ports/embedder.ts';

/** In which of its parts a worker dies. */
export type Phase = 'migration' | 'rollback';

/** What a process is to work on, and where it is killed. */
export interface Errand {
  readonly folder: string;
  readonly planId: string;
  readonly phase: Phase;
  readonly step: string;
  /** Workers that are dead, by their process numbers. */
  readonly dead: readonly number[];
  readonly models: readonly RemoteModel[];
}

/** A model whose embedder stays with the rehearsal. */
export interface RemoteModel {
  readonly spec: SpecFields;
  readonly limits?: Embedder['limits'];
  readonly countsTokens: boolean;
}

/** To the rehearsal. */
export type FromWorker =
  | { readonly kind: 'ready' }
  /** It has come to the step and does nothing more: now it is killed. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'failed'; readonly code: RegistryErrorCode; readonly message: string }
  | {
      readonly kind: 'embed';
      readonly id: number;
      readonly model: number;
      readonly texts: readonly string[];
      readonly purpose: 'document' | 'query';
      readonly fresh: boolean;
    }
  | {
      readonly kind: 'count';
      readonly id: number;
      readonly model: number;
      readonly texts: readonly string[];
    };

/** What became of a call of an embedder. */
export type Answer =
  | { readonly vectors: readonly Vector[] }
  | { readonly tokens: { readonly tokens: readonly number[]; readonly exact: boolean } }
  | { readonly failure: EmbedderFailure; readonly message: string; readonly retryAfterMs?: number };

/** To the worker. */
export type ToWorker =
  | { readonly kind: 'work'; readonly errand: Errand }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer };
