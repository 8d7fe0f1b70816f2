/** The events of a manager, from their typed map. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, prose, table } from './markdown.ts';
import { propertiesOf, typesOf } from './source.ts';

const path = 'packages/core/src/events.ts';

/** What `evr` prints between its start and its result. */
const lines = {
  started: '`{ pid, registry, planId?, embedders }`, by `run`',
  progress: '`MigrationProgress`, by `run`, `watch` and `rollback`',
  plan: '`{ plan, from? }`: a plan has changed its status, by `run`',
  waiting:
    '`{ items: [{ planId, code, message }] }`: what the worker cannot go on with, by `run` without a plan',
  stopping: '`{}`: batches in hand settle, nothing more is claimed',
  node: '`{ code, nodeId }`: a node with the finding, by `doctor --list`',
  log: '`{ level, message, details? }`, by all',
};

export function eventPage(): string {
  const meanings = propertiesOf(path, 'RegistryEvents');
  assertPrinted(Object.keys(lines));
  const types = Object.entries(typesOf(path, 'RegistryEvents'));
  return `# Events

\`manager.on(event, listener)\` subscribes to what this process does, and returns the function that unsubscribes. If a
listener throws, that is logged and stops nothing. To follow other processes, use \`watchMigration\` or \`evr watch\`.

${table(
  ['event', 'when, and what the listener gets'],
  types.map(([event, type]) => [code(event), `${prose(meanings[event] ?? '')}<br>${linked(type)}`]),
)}

## Lines of evr

With \`--json\` each line that \`evr\` prints is one object \`{ event, data }\`, and the last one \`{ event: 'result', … }\` with
\`exitCode\` and either \`data\` or \`error\`.

${table(
  ['event', '`data`'],
  Object.entries(lines).map(([event, data]) => [code(event), data]),
)}
`;
}

/** A type by its name leads to its page; another one stands as it is, without what every field is. */
function linked(type: string): string {
  return /^\w+$/.test(type)
    ? `[${code(type)}](./api/core/${type}.md)`
    : code(type.replaceAll('readonly ', ''));
}

function assertPrinted(known: readonly string[]): void {
  const folder = join(import.meta.dirname, '../../packages/cli/src');
  const sources = globSync('**/*.ts', { cwd: folder }).map((file) =>
    readFileSync(join(folder, file), 'utf8'),
  );
  const printed = new Set(
    sources.flatMap((text) => [...text.matchAll(/\bevent\('(\w+)'/g)].map((m) => m[1]!)),
  );
  if (known.toSorted().join() !== [...printed].toSorted().join())
    throw new Error(`evr prints the events ${[...printed]}, and the page knows ${known}.`);
}
