import { importsOf, packageOf, type Rule, type Source } from './source.ts';

/** Imports that `allowed` denies, among the files whose path matches `room`. */
function strangers(
  sources: readonly Source[],
  room: RegExp,
  allowed: (specifier: string, target: string | undefined, from: string) => boolean,
): readonly string[] {
  return sources
    .filter(({ path }) => room.test(path))
    .flatMap((source) =>
      importsOf(source)
        .filter(({ specifier, target }) => !allowed(specifier, target, source.path))
        .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier}`),
    );
}

const everywhere = /^/;
const sqliteRoom = /^packages\/(core|node-memory|embedders)\/src\/sqlite\//;
const drivers = /^(better-sqlite3|sqlite-vec|node:sqlite)(\/|$)/;

const siblings: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/node-memory': ['core'],
  'packages/embedders': ['core'],
  'packages/qdrant': ['core'],
  'packages/cli': ['core', 'node-memory', 'embedders', 'qdrant'],
  'extensions/vscode': ['core'],
};

function withinReach(specifier: string, target: string | undefined, from: string): boolean {
  if (target !== undefined) return target.startsWith(`${packageOf(from)}/src/`);
  const sibling = /^@registry\/([^/]+)/.exec(specifier)?.[1];
  if (sibling === undefined) return packageOf(from) in siblings;
  return siblings[packageOf(from)]?.includes(sibling) ?? false;
}

const pure = /^packages\/core\/src\/(model\/.*|errors\.ts|options\.ts)$/;
const worldly = /^packages\/core\/src\/(sqlite\/.*|config\/.*|testing\/.*|runtime\.ts)$/;

export const rooms: readonly Rule[] = [
  {
    law: 'SQLite drivers are imported only in the sqlite/ folders of packages',
    breach: { 'packages/core/src/worker/lease.ts': "const driver = await import('better-sqlite3');" },
    check: (sources) =>
      strangers(sources, everywhere, (specifier) => !drivers.test(specifier)).filter(
        (finding) => !sqliteRoom.test(finding),
      ),
  },
  {
    law: 'only core/src/config reads YAML',
    breach: { 'packages/cli/src/main.ts': "import { parse } from 'yaml';" },
    check: (sources) =>
      strangers(sources, everywhere, (specifier) => specifier !== 'yaml').filter(
        (finding) => !finding.startsWith('packages/core/src/config/'),
      ),
  },
  {
    law: 'packages import each other only in the direction of the design, and by name',
    breach: {
      'packages/core/src/planner.ts': "import { SqliteNodeStore } from '@registry/node-memory';",
      'packages/embedders/src/binary.ts': "import { contentHash } from '../../core/src/index.ts';",
      'packages/unheard-of/src/index.ts': "import { z } from 'zod';",
    },
    check: (sources) => strangers(sources, everywhere, withinReach),
  },
  {
    law: 'the doors of core for tests and for SQLite are used by no library but in its sqlite/ folder',
    breach: {
      'packages/embedders/src/index.ts': "import { openSqlite } from '@registry/core/sqlite';",
      'packages/node-memory/src/sqlite/store.ts': "import { ManualClock } from '@registry/core/testing';",
    },
    check: (sources) =>
      strangers(sources, everywhere, (specifier, _, from) => {
        if (specifier === '@registry/core/sqlite') return sqliteRoom.test(from);
        return specifier !== '@registry/core/testing';
      }),
  },
  {
    law: 'model/ is pure: it imports itself, errors, options, node:crypto and zod',
    breach: { 'packages/core/src/model/plan.ts': "import { systemClock } from '../clock.ts';" },
    check: (sources) =>
      strangers(sources, /^packages\/core\/src\/model\//, (specifier, target) =>
        target === undefined ? ['node:crypto', 'zod'].includes(specifier) : pure.test(target),
      ),
  },
  {
    law: 'planner, worker and rollback reach the world only through ports and clock',
    breach: {
      'packages/core/src/worker/loop.ts': "import { hostname } from 'node:os';",
      'packages/core/src/rollback/rollback.ts': "import type { SqliteDatabase } from '../sqlite/index.ts';",
      'packages/core/src/planner/planner.ts': "import { get } from 'axios';",
    },
    check: (sources) =>
      strangers(sources, /^packages\/core\/src\/(planner|worker|rollback)(\/|\.ts$)/, (specifier, target) =>
        target === undefined ? specifier === 'zod' : !worldly.test(target),
      ),
  },
  {
    law: 'ports import only ports, model and errors',
    breach: { 'packages/core/src/ports/store.ts': "import type { Row } from '../sqlite/rows.ts';" },
    check: (sources) =>
      strangers(sources, /^packages\/core\/src\/ports\//, (_, target) =>
        /^packages\/core\/src\/(ports\/|model\/|errors\.ts)/.test(target ?? ''),
      ),
  },
  {
    law: 'vscode is imported by no library, tree model, protocol or settings schema',
    breach: {
      'packages/cli/src/main.ts': "import * as vscode from 'vscode';",
      'extensions/vscode/src/tree/plan-model.ts': "import type { TreeItem } from 'vscode';",
      'extensions/vscode/src/protocol.ts': "import { Uri } from 'vscode';",
      'extensions/vscode/src/settings-schema.ts': "import { workspace } from 'vscode';",
    },
    check: (sources) =>
      strangers(
        sources,
        /^packages\/|(^|\/|-)(model|protocol|schema)\.ts$|\/(model|protocol)s?\//,
        (specifier) => specifier !== 'vscode',
      ),
  },
  {
    law: 'no file imports itself by a detour',
    breach: {
      'packages/core/src/a.ts': "import { b } from './b.ts'; export const a = b;",
      'packages/core/src/b.ts': "export { c as b } from './c.ts';",
      'packages/core/src/c.ts': "import type { a } from './a.ts'; export type c = typeof a;",
    },
    check: cycles,
  },
];

/** Depth first; a file met again while it is still on the way is a cycle, reported once. */
function cycles(sources: readonly Source[]): readonly string[] {
  const targets = new Map(
    sources.map((source) => [source.path, importsOf(source).flatMap(({ target }) => target ?? [])]),
  );
  const found: string[] = [];
  const finished = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) found.push([...way.slice(start), path].join(' → '));
    if (start >= 0 || finished.has(path)) return;
    for (const target of targets.get(path) ?? []) walk(target, [...way, path]);
    finished.add(path);
  };
  for (const path of targets.keys()) walk(path, []);
  return found;
}
