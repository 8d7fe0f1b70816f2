/** A request as it came in. */
export interface SeenRequest {
  /** 1 for the first one of the double's life. */
  readonly number: number;
  readonly method: string;
  readonly path: string;
  /** Name of the client's own operation, such as `upsert_points`. */
  readonly operation: string;
  /** Name of the collection or alias, where the path has one. */
  readonly collection?: string;
  /** Header `x-sender`, by which a test tells its clients apart. */
  readonly sender?: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly bodyBytes: number;
}
