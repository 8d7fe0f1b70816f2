import { errorCodes, type PlanTuning, type RegistryErrorCode, type SpendCap } from '@registry/core';
import { z } from 'zod';
import type { ConfigFlags } from './config/resolve.ts';
import type { Ending, Output } from './output.ts';
import { confirmed } from './questions.ts';
import { type Need, openSession, type Session } from './session.ts';
import { UsageError } from './usage-error.ts';

/** One call of a command: what was written, and what it may use. */
export class Call {
  readonly output: Output;
  readonly flags: ConfigFlags;
  readonly yes: boolean;
  /** Work is under way: what fails from now on has failed, and was not refused. */
  hasBegun = false;
  readonly #values: object;

  constructor(o: { output: Output; flags: ConfigFlags; yes: boolean; values: object }) {
    this.output = o.output;
    this.flags = o.flags;
    this.yes = o.yes;
    this.#values = o.values;
  }

  /**
   * Arguments and options of the command.
   * @throws UsageError naming the option and what it held
   */
  read<T extends z.ZodType>(schema: T): z.output<T> {
    const parsed = schema.safeParse(this.#values);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0] ?? '');
    const value = (this.#values as Record<string, unknown>)[name];
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError(`${flag} ${issue?.message} (was ${JSON.stringify(value)}).`);
  }

  /** Opens the registry, runs `body`, and closes what was opened. */
  async with<T>(
    need: Need,
    body: (session: Session) => Promise<T>,
    options: { create?: boolean } = {},
  ): Promise<T> {
    const session = await openSession(need, { ...options, ...this });
    try {
      return await body(session);
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  /** Asks for a yes to what was shown. @throws UsageError `NOT_CONFIRMED` */
  confirm(question: string, what: string, preview?: object): Promise<void> {
    return confirmed(this, question, what, preview && { preview });
  }
}

/** What a command does. */
export type Handler = (call: Call) => Promise<Ending>;

/** A command on an open registry. Its options are read before anything is opened. */
export function opened<T extends z.ZodType>(
  need: Need,
  schema: T,
  body: (call: Call, o: z.output<T>, session: Session) => Promise<Ending>,
): Handler {
  return async (call) => {
    const o = call.read(schema);
    return call.with(need, (session) => body(call, o, session));
  };
}

/** A whole number as it is written on the command line. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'takes a whole number')
  .transform(Number);

/** `--where k=v`, several times: equality on metadata. Numbers, true and false are taken for what they are. */
export const filterOption = z.array(z.string().regex(/^[^=]+=/, 'takes key=value')).transform((pairs) =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), literalOf(pair.slice(at + 1))];
    }),
  ),
);

function literalOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text.replace(/^"(.*)"$/, '$1');
}

/** `--error` of tasks. */
export const errorCodeOption = z.enum(
  Object.keys(errorCodes) as RegistryErrorCode[],
  'takes the code of an error, such as EMBEDDER_FAILED; evr show counts those of a plan',
);

/** `--limit` and `--after` of lists. */
export const pageShape = { limit: wholeNumber.optional(), after: z.string().optional() };

/** The options of a page as the library takes them. */
export function pageOptions(o: { limit?: number | undefined; after?: string | undefined }): {
  limit: number;
  after?: string;
} {
  return { limit: o.limit ?? 20, ...(o.after !== undefined && { after: o.after }) };
}

const spendCapOption = z
  .string()
  .regex(/^(\d+(\.\d+)?(usd|tokens?)?|none)$/, 'takes an amount such as 5, 5usd, 2000000tokens, or none');

/** The numbers of a plan. */
export const tuningShape = {
  batchSize: wholeNumber.optional(),
  throttleMs: wholeNumber.optional(),
  parallel: wholeNumber.optional(),
  maxRetries: wholeNumber.optional(),
  dutyCycle: z
    .string()
    .regex(/^(0?\.\d+|1(\.0+)?)$/, 'takes a share of time from 0.1 to 1')
    .transform(Number)
    .optional(),
  spendCap: spendCapOption.optional(),
};

const tuningSchema = z.object(tuningShape);

/** A bare amount of a spend cap is money where the target has a price, else tokens. */
export function tuningOf(
  o: z.output<typeof tuningSchema>,
  target: { readonly pricePerMillionTokens?: number } | undefined,
): PlanTuning {
  const { batchSize, throttleMs, parallel, maxRetries, dutyCycle, spendCap } = o;
  return {
    ...(batchSize !== undefined && { batchSize }),
    ...(throttleMs !== undefined && { throttleMs }),
    ...(parallel !== undefined && { maxParallelWorkers: parallel }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(dutyCycle !== undefined && { dutyCycle }),
    ...(spendCap !== undefined && { spendCap: spendCapOf(spendCap, target?.pricePerMillionTokens) }),
  };
}

function spendCapOf(written: string, price: number | undefined): SpendCap | null {
  if (written === 'none') return null;
  const amount = Number.parseFloat(written);
  const isMoney = written.endsWith('usd') || (!/token/.test(written) && price !== undefined);
  return isMoney ? { dollars: amount } : { tokens: amount };
}
