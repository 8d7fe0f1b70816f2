/** The metrics and spans, from the table they are made by. */
import { telemetryNames } from '@registry/core';
import { code, prose, table } from './markdown.ts';

export function telemetryPage(): string {
  const { metrics, spans } = telemetryNames;
  return `# Metrics and traces

A worker measures itself through \`@opentelemetry/api\`. Where an application has started an SDK of OpenTelemetry, before or
after \`open\`, it gets what follows; where none is, nothing is counted. \`telemetryNames\` is the same table in code.

No attribute holds an id, a text or metadata of a node. \`error.type\` is a [code](./errors.md).

## Metrics

${table(
  ['name', 'kind', 'unit', 'what', 'attributes'],
  Object.entries(metrics).map(([name, { kind, unit, description, attributes }]) => [
    code(name),
    kind,
    code(unit),
    prose(description),
    attributes.map(code).join(', '),
  ]),
)}

## Spans

${table(
  ['name', 'what', 'attributes'],
  Object.entries(spans).map(([name, { description, attributes }]) => [
    code(name),
    prose(description),
    attributes.map(code).join(', '),
  ]),
)}
`;
}
