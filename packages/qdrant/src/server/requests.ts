/** Requests and answers of the server, as far as this package sends and reads them. */
import type { PointId } from '../point-id.ts';

/** A value of a payload that a filter can compare. */
export type Scalar = string | number | boolean;

/** One condition of a filter. */
export type Condition =
  | { readonly has_id: readonly PointId[] }
  | { readonly key: string; readonly match: { readonly value: string | number | boolean } }
  | { readonly key: string; readonly range: { readonly gte: number; readonly lte: number } }
  | { readonly is_empty: { readonly key: string } }
  | { readonly has_vector: string }
  | Filter;

/** Conditions that all hold, that none holds, of which one holds. */
export interface Filter {
  readonly must?: readonly Condition[];
  readonly must_not?: readonly Condition[];
  readonly should?: readonly Condition[];
}

/** Numbers of a dense vector, or any other kind of vector as it was read. */
export type VectorInput = readonly number[] | Readonly<Record<string, unknown>>;

/** A point as the server gives it. */
export interface PointRecord {
  readonly id: PointId;
  readonly payload?: Readonly<Record<string, unknown>> | null;
  readonly vector?: unknown;
}

/** A whole point, as an upsert takes it: what is not named is gone. */
export interface PointInput {
  readonly id: PointId;
  readonly vector: VectorInput;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** One operation of a batch update. */
export type UpdateOperation =
  | {
      readonly upsert: {
        readonly points: readonly PointInput[];
        readonly update_mode?: 'insert_only' | 'update_only';
        readonly update_filter?: Filter;
      };
    }
  | { readonly delete: { readonly filter: Filter } | { readonly points: readonly PointId[] } }
  | {
      readonly set_payload: {
        readonly payload: Readonly<Record<string, unknown>>;
        readonly filter: Filter;
        readonly key?: string;
      };
    }
  | { readonly delete_payload: { readonly keys: readonly string[]; readonly filter: Filter } }
  | {
      readonly update_vectors: {
        readonly points: readonly { readonly id: PointId; readonly vector: VectorInput }[];
        readonly update_filter: Filter;
      };
    }
  | { readonly delete_vectors: { readonly filter: Filter; readonly vector: readonly string[] } };
