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
  ['name', 'what it measures, and by which attributes it can be split'],
  Object.entries(metrics).map(([name, { kind, unit, description, attributes }]) => [
    `${code(name)}<br>${kind}, ${code(unit)}`,
    meaning(description, attributes),
  ]),
)}

## Spans

${table(
  ['name', 'what it covers, and its attributes'],
  Object.entries(spans).map(([name, { description, attributes }]) => [
    code(name),
    meaning(description, attributes),
  ]),
)}
`;
}

function meaning(description: string, attributes: readonly string[]): string {
  return [prose(description), ...attributes.map(code)].join('<br>');
}
