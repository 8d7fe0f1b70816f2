import { type Attributes, type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { reasonOf } from '../errors.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { attribute, SCOPE, type SpanName } from './names.ts';

/** The span that others are to lie in; also where no context manager carries it over an `await`. */
export type Within = Context;

/** Runs a body in a span. A failure is told by its code alone: messages of others may quote anything. */
export async function inSpan<T>(
  name: SpanName,
  attributes: Attributes,
  body: (within: Within) => Promise<T>,
  outer: Within = context.active(),
): Promise<T> {
  const span = trace.getTracer(SCOPE).startSpan(name, { attributes }, outer);
  const within = trace.setSpan(outer, span);
  try {
    return await context.with(within, body, undefined, within);
  } catch (error) {
    const { code } = reasonOf(error, 'DATABASE_UNAVAILABLE');
    span.setAttribute(attribute.errorType, code).setStatus({ code: SpanStatusCode.ERROR, message: code });
    throw error;
  } finally {
    span.end();
  }
}

/** Adds to the span that a body runs in. */
export function noteOnSpan(within: Within, attributes: Attributes): void {
  trace.getSpan(within)?.setAttributes(attributes);
}

/** Which plan, to which model. */
export function planAttributes({ planId, strategy, targetSpec }: MigrationPlan): Attributes {
  return {
    [attribute.planId]: planId,
    [attribute.strategy]: strategy,
    [attribute.modelId]: targetSpec.modelId,
    [attribute.modelVersion]: targetSpec.version,
  };
}
