/** The metrics and spans, from the table they are made by. */
import { telemetryNames } from '@registry/core';
import { code, prose } from './markdown.ts';

export function telemetryPage(): string {
  const { metrics, spans } = telemetryNames;
  return `---
outline: [2, 3]
---

# Metrics and traces

A worker measures itself through \`@opentelemetry/api\`. Where an application has started an SDK of OpenTelemetry, before or
after \`open\`, it gets what follows; where none is, nothing is counted. \`telemetryNames\` is the same table in code.

No attribute holds an id, a text or metadata of a node. \`error.type\` is a [code](./errors.md).

## Metrics

${Object.entries(metrics)
  .map(([name, { kind, unit, description, attributes }]) =>
    section(name, `A ${kind} in ${code(unit)}. ${prose(description)}`, 'Split by', attributes),
  )
  .join('\n')}
## Spans

${Object.entries(spans)
  .map(([name, { description, attributes }]) => section(name, prose(description), 'Attributes:', attributes))
  .join('\n')}`;
}

function section(name: string, text: string, before: string, attributes: readonly string[]): string {
  const listed = attributes.length === 0 ? '' : `\n${before} ${attributes.map(code).join(', ')}.\n`;
  return `### ${name}\n\n${text}\n${listed}`;
}
