/** What a page and the extension say to each other. The page shows registries, so nothing it says is trusted. */
import type { ModelRef } from '@registry/core';
import * as z from 'zod/mini';
import { type DiagnosisData, mendingCommands } from '../model/mending.ts';
import type { NodeCounts } from '../model/node-counts.ts';
import type { Fault, ProgressData } from '../registry-process/messages.ts';

const page = { limit: z.int().check(z.gte(1), z.lte(1000)), after: z.optional(z.string()) };
const planId = z.string().check(z.minLength(1));

/** What a page may read, all of it from the one registry it was opened for. */
const questions = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('models') }),
  z.strictObject({ name: z.literal('workers') }),
  z.strictObject({ name: z.literal('plan'), input: z.strictObject({ planId }) }),
  z.strictObject({
    name: z.literal('plans'),
    input: z.strictObject({ ...page, status: z.optional(z.string()) }),
  }),
  z.strictObject({
    name: z.literal('tasks'),
    input: z.strictObject({
      ...page,
      planId,
      status: z.optional(z.string()),
      errorCode: z.optional(z.string()),
      nodeId: z.optional(z.string()),
    }),
  }),
  z.strictObject({ name: z.literal('failures'), input: z.strictObject({ planId }) }),
  z.strictObject({ name: z.literal('verdict'), input: z.strictObject({ planId }) }),
  z.strictObject({
    name: z.literal('journal'),
    input: z.strictObject({ ...page, planId: z.optional(planId) }),
  }),
]);
export type Question = z.infer<typeof questions>;

/** Buttons of a page; each is a command of the extension, with its own questions. */
export const pageActions = [
  'start',
  'pause',
  'resume',
  'retryFailed',
  'cutOver',
  'rollBack',
  'finalize',
  'cancel',
  'askGate',
  'writeReport',
] as const;

/** The same for one node of a plan. */
export const nodeActions = ['retryFailed', 'rollBack', 'copyNodeId'] as const;

const whole = z.optional(z.int().check(z.gte(0)));
const tuning = z.strictObject({
  batchSize: whole,
  throttleMs: whole,
  maxParallelWorkers: whole,
  dutyCycle: z.optional(z.number().check(z.gte(0), z.lte(1))),
  spendCap: z.optional(
    z.nullable(
      z.union([
        z.strictObject({ dollars: z.number().check(z.gt(0)) }),
        z.strictObject({ tokens: z.int().check(z.gt(0)) }),
      ]),
    ),
  ),
});

const messages = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('ask'), id: z.int(), question: questions }),
  z.strictObject({ type: z.literal('act'), action: z.enum(pageActions), planId }),
  z.strictObject({
    type: z.literal('node'),
    action: z.enum(nodeActions),
    planId,
    nodeId: z.string().check(z.minLength(1)),
  }),
  /** All failed nodes of one cause are tried again. */
  z.strictObject({ type: z.literal('cause'), planId, errorCode: z.string().check(z.minLength(1)) }),
  z.strictObject({ type: z.literal('tune'), planId, tuning }),
  z.strictObject({ type: z.literal('diagnose') }),
  z.strictObject({
    type: z.literal('mend'),
    command: z.enum(mendingCommands),
    model: z.optional(z.strictObject({ modelId: z.string(), version: z.int() })),
    planId: z.optional(planId),
  }),
  z.strictObject({ type: z.literal('watch'), planId }),
]);
export type PageMessage = z.infer<typeof messages>;

/** Undefined for what no page of ours says. */
export function parsePageMessage(value: unknown): PageMessage | undefined {
  const parsed = z.safeParse(messages, value);
  return parsed.success ? parsed.data : undefined;
}

/** What a page shows. */
export type Subject =
  | { readonly view: 'registry'; readonly path: string; readonly label: string }
  | { readonly view: 'watch'; readonly path: string; readonly label: string; readonly planId: string };

/** What the extension tells a page. */
export type HostMessage =
  | {
      readonly type: 'show';
      readonly subject: Subject;
      /** Translations of the sentences of the page. */
      readonly sentences: Readonly<Record<string, string>>;
      /** Nothing is changed from an untrusted workspace. */
      readonly mayAct: boolean;
    }
  /** How many nodes are at each model, where they were counted. */
  | { readonly type: 'counts'; readonly counts: NodeCounts | undefined }
  /** What the doctor found last; `isWanted`: it is to be shown now. */
  | {
      readonly type: 'diagnosis';
      readonly diagnosis: DiagnosisData | undefined;
      readonly isWanted: boolean;
    }
  /** Shows the details of a model. */
  | { readonly type: 'model'; readonly model: ModelRef }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly error: Fault }
  | { readonly type: 'progress'; readonly at: number; readonly progress: ProgressData }
  /** Something is another than before: what is shown is to be asked for again. */
  | { readonly type: 'changed' };
