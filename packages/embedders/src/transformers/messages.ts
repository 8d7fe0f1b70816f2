/** What parent and inference process say to each other. Vectors travel as `Float32Array`. */

/** Which model to load, and how its vectors are made. */
export interface ModelSettings {
  /** A folder, or the name on the hub. */
  readonly name: string;
  readonly isLocal: boolean;
  readonly host: string | undefined;
  readonly cacheDir: string | undefined;
  readonly revision: string | undefined;
  readonly dtype: string;
  readonly device: string;
  readonly threads: number | undefined;
  readonly pooling: 'mean' | 'cls' | 'last_token';
  readonly normalize: boolean;
  readonly truncate: boolean;
  readonly maxTokens: number | undefined;
}

export type Request =
  | { readonly kind: 'load'; readonly settings: ModelSettings }
  | { readonly kind: 'embed' | 'count'; readonly id: number; readonly texts: readonly string[] }
  | { readonly kind: 'cancel'; readonly id: number };

export interface Failure {
  readonly kind: 'transient' | 'refused' | 'fatal';
  readonly message: string;
  readonly textIndex?: number;
}

/** A failure within the inference process, which does without the classes of core: it starts faster. */
export class ModelFailure extends Error {
  readonly kind: Failure['kind'];

  constructor(kind: Failure['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Reply =
  | { readonly id: number; readonly vectors: readonly Float32Array[] }
  | { readonly id: number; readonly tokens: readonly number[] }
  | { readonly id: number; readonly failure: Failure };
