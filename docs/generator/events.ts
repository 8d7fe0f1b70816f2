/** The events of a manager, from their typed map. */
import { code, prose, table } from './markdown.ts';
import { propertiesOf, typesOf } from './source.ts';

const path = 'packages/core/src/events.ts';

export function eventPage(): string {
  const meanings = propertiesOf(path, 'RegistryEvents');
  const types = Object.entries(typesOf(path, 'RegistryEvents'));
  return `# Events

\`manager.on(event, listener)\` hears what this process does, and answers the function that ends it. A listener that throws
is logged and stops nothing. What other processes do is seen with \`watchMigration\`, or with \`evr watch\`.

${table(
  ['event', 'when', 'what the listener gets'],
  types.map(([event, type]) => [code(event), prose(meanings[event] ?? ''), code(type)]),
)}

The types stand in the [API reference](./api/core.md#interfaces).

## Lines of evr

With \`--json\` each line that \`evr\` prints is one object \`{ event, data }\`, and the last one \`{ event: 'result', … }\` with
\`exitCode\` and either \`data\` or \`error\`. \`run\`, \`watch\` and \`rollback\` print \`progress\` lines with the same fields as
\`MigrationProgress\`.
`;
}
