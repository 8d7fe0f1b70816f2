/** The metrics and spans, from the table they are made by. */
import { telemetryNames } from '@registry/core';
import { code, prose } from './markdown.ts';

export function telemetryPage(): string {
  const { metrics, spans } = telemetryNames;
  return `---
outline: [2, 3]
---

# Metrics and traces

A worker reports metrics and spans through \`@opentelemetry/api\`: they reach the OpenTelemetry SDK that your application has
started, before or after \`open\`. Without one nothing is measured. In code, \`telemetryNames\` holds the same names.

No attribute holds the id, text or metadata of a node. \`error.type\` is an [error code](./errors.md).

## Metrics

${Object.entries(metrics)
  .map(([name, { kind, unit, description, attributes }]) =>
    section(name, `${kind}, ${code(unit)}`, description, attributes),
  )
  .join('\n')}
## Spans

${Object.entries(spans)
  .map(([name, { description, attributes }]) => section(name, 'span', description, attributes))
  .join('\n')}`;
}

/** Below the end of the name, which tells them apart in the outline. */
function section(name: string, kind: string, description: string, attributes: readonly string[]): string {
  const listed = attributes.length === 0 ? '' : `\nAttributes: ${attributes.map(code).join(', ')}.\n`;
  return `### ${name.replace('embedding_registry.', '')}\n\n${code(name)} (${kind})\n\n${prose(description)}\n${listed}`;
}
