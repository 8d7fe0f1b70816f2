/** A call that cannot be carried out as it was written; nothing was started. */
export class UsageError extends Error {
  readonly code: 'USAGE' | 'AMBIGUOUS' | 'NOT_CONFIRMED';
  readonly advice: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    options: {
      code?: UsageError['code'];
      advice?: string;
      details?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.name = 'UsageError';
    this.code = options.code ?? 'USAGE';
    this.advice = options.advice;
    this.details = options.details ?? {};
  }
}
