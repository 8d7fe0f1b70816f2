import ts from 'typescript';
import { isLibrary, lineOf, packageOf, type Rule, type Source, visit } from './source.ts';

/** Nodes that `matches` accepts, each as `file:line what`. */
function occurrences(
  sources: readonly Source[],
  matches: (node: ts.Node, source: Source) => string | undefined,
): readonly string[] {
  return sources.flatMap((source) => {
    const found: string[] = [];
    visit(source.tree, (node) => {
      const what = matches(node, source);
      if (what !== undefined) found.push(`${source.path}:${lineOf(source, node)} ${what}`);
    });
    return found;
  });
}

const sql = [
  /\bselect\b[\s\S]*\bfrom\b[\s\S]*\b(where|order by|join|limit|group by)\b/i,
  /^\s*(with\b[\s\S]*\bas\s*\(|select\b[\s\S]*\bfrom\b)/i,
  /\b(insert( or \w+)? into|delete from|replace into|alter table|drop (table|index|view|trigger))\b/i,
  /\bupdate\s+\S+\s+set\b/i,
  /\bcreate( unique| temp)? (table|index|trigger|view)\b/i,
  /\bbegin (immediate|exclusive|deferred)\b/i,
  /^\s*(pragma|attach|vacuum|savepoint)\b/i,
];

function isSql(node: ts.Node): boolean {
  const text = ts.isStringLiteralLike(node)
    ? node.text
    : ts.isTemplateExpression(node)
      ? [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(' x ')
      : '';
  return sql.some((pattern) => pattern.test(text));
}

/** A name in use as a value or a type: not a key of an object, not a member, not a declaration. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node || onGlobalThis(parent);
  if (ts.isQualifiedName(parent)) return parent.left === node;
  return !('name' in parent && parent.name === node);
}

function onGlobalThis(access: ts.PropertyAccessExpression): boolean {
  return ts.isIdentifier(access.expression) && access.expression.text === 'globalThis';
}

// `setImmediate` is none of them: it yields to others, and neither waits for a time nor tells one.
const timers = new Set(['setTimeout', 'setInterval', 'performance', 'hrtime']);
const chance = new Set(['randomUUID', 'randomBytes', 'randomInt', 'randomFillSync', 'getRandomValues']);
const members = /(^|\.)(Date\.now|Math\.random|AbortSignal\.timeout|crypto\.(randomUUID|getRandomValues))$/;

function timeOrChance(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node) && (timers.has(node.text) || chance.has(node.text))) {
    return isUse(node) || ts.isImportSpecifier(node.parent) || ts.isBindingElement(node.parent)
      ? node.text
      : undefined;
  }
  if (ts.isPropertyAccessExpression(node) && members.test(node.getText())) return node.getText();
  // `new Date(value)` only formats; without a value it looks at the clock.
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
    return 'new Date()';
  return undefined;
}

function processUse(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) && /^(node:)?process$/.test(node.text)) {
    return ts.isImportDeclaration(node.parent) ? `imports ${node.text}` : undefined;
  }
  if (!ts.isIdentifier(node) || !isUse(node)) return undefined;
  if (node.text !== 'process' && node.text !== 'console') return undefined;
  return node.parent.getText().split('\n')[0];
}

/** Rules for what tests do, rather than for the product. */
export const testWords: readonly Rule[] = [
  {
    law: 'no test sleeps: it awaits an event or moves the manual clock',
    breach: {
      'packages/core/test/worker.test.ts': 'await new Promise((done) => setTimeout(done, 50));',
      'test/chaos.test.ts': "import { setTimeout as wait } from 'node:timers/promises';",
    },
    check: (sources) =>
      occurrences(
        sources.filter(({ path }) => /(^|\/)test\//.test(path)),
        (node) =>
          ts.isIdentifier(node) && /^set(Timeout|Interval)$/.test(node.text) ? timeOrChance(node) : undefined,
      ),
  },
];

/** What the list of workers, the check of the runtime, and a process of its own cannot do without. */
const allowedOfProcess: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src/runtime.ts': ['process.pid', 'process.versions'],
  'packages/embedders/src/transformers/inference-process.ts': ['process.send', 'process.on', 'process.exit'],
};

const drivers = /^(Sqlite\w*|Database|Statement|Connection|Transaction|Client|Pool)$/;

export const words: readonly Rule[] = [
  {
    law: 'SQL stands only in the sqlite/ folders of core, node-memory and embedders',
    breach: {
      'packages/core/src/worker/claim.ts': 'run(`SELECT node_id FROM ` + table);',
      'packages/cli/src/doctor.ts': "db.exec('pragma quick_check');",
    },
    check: (sources) =>
      occurrences(
        sources.filter(({ path }) => !/^packages\/(core|node-memory|embedders)\/src\/sqlite\//.test(path)),
        (node) => (isSql(node) ? `holds SQL: ${node.getText().slice(0, 60)}` : undefined),
      ),
  },
  {
    law: 'ports name no connection, transaction or driver type',
    breach: {
      'packages/core/src/ports/store.ts': 'export interface Store { run(database: Database): void }',
    },
    check: (sources) =>
      occurrences(
        sources.filter(({ path }) => path.startsWith('packages/core/src/ports/')),
        (node) =>
          ts.isTypeReferenceNode(node) && drivers.test(node.typeName.getText().split('.').at(-1)!)
            ? `names the type ${node.typeName.getText()}`
            : undefined,
      ),
  },
  {
    law: 'time, timers, randomness and ids come from clock.ts',
    breach: {
      'packages/core/src/model/task.ts': 'export const now = () => Date.now();',
      'packages/core/src/worker/nap.ts': 'await new Promise((done) => setTimeout(done, 5));',
      'packages/embedders/src/seed.ts': "import { randomUUID } from 'node:crypto';",
      'packages/node-memory/src/node.ts': 'const createdAt = new Date().toISOString();',
      'packages/cli/src/wait.ts': "import { setTimeout as wait } from 'node:timers/promises';",
      'packages/qdrant/src/call.ts': 'fetch(url, { signal: AbortSignal.timeout(10) });',
      'packages/core/src/token.ts': 'const token = globalThis.crypto.randomUUID();',
    },
    check: (sources) =>
      occurrences(
        sources.filter(({ path }) => path !== 'packages/core/src/clock.ts'),
        timeOrChance,
      ),
  },
  {
    law: 'libraries do not print, exit, read the environment or touch the process',
    breach: {
      'packages/core/src/worker/worker.ts': "console.log('started');",
      'packages/core/src/runtime.ts': 'if (process.env.CI) process.exit(1);',
      'packages/embedders/src/key.ts': 'const key = globalThis.process.env.KEY;',
      'packages/qdrant/src/url.ts': "import { env } from 'node:process';",
    },
    check: (sources) =>
      occurrences(
        sources.filter(({ path }) => isLibrary(path)),
        (node, source) => {
          const use = processUse(node);
          return allowedOfProcess[source.path]?.includes(use ?? '') ? undefined : use;
        },
      ),
  },
  {
    law: 'in CLI and extension one file each prints, exits and reads the environment',
    breach: {
      'packages/cli/src/output.ts': 'process.stdout.write(text);',
      'packages/cli/src/run.ts': 'process.exit(1);',
    },
    check: (sources) => {
      const files = new Map<string, Set<string>>();
      for (const source of sources.filter(({ path }) => !isLibrary(path))) {
        if (occurrences([source], processUse).length === 0) continue;
        const paths = files.get(packageOf(source.path)) ?? new Set();
        files.set(packageOf(source.path), paths.add(source.path));
      }
      return [...files.values()].filter(({ size }) => size > 1).map((paths) => [...paths].join(' and '));
    },
  },
];
