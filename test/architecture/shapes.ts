import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path/posix';
import ts from 'typescript';
import { lineOf, type Rule, type Source, visit } from './source.ts';

const FILE_LINES = 400;
const FUNCTION_LINES = 50;

function longFunctions(source: Source): readonly string[] {
  const found: string[] = [];
  visit(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const start = lineOf(source, node);
    const lines = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - start;
    if (lines > FUNCTION_LINES) found.push(`${source.path}:${start} is a function of ${lines} lines`);
  });
  return found;
}

/** What the manifests name as doors, by repository path. */
export function doors(): readonly string[] {
  const manifests = globSync('{packages,extensions}/*/package.json').map((path) =>
    path.replaceAll('\\', sep),
  );
  return manifests.flatMap((path) => {
    const { exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as { exports?: Record<string, unknown> };
    const targets = Object.values(exports).filter((target) => typeof target === 'string');
    return targets.filter((target) => target.endsWith('.ts')).map((target) => join(dirname(path), target));
  });
}

function starExports(source: Source): readonly string[] {
  return source.tree.statements
    .filter(
      (node) => ts.isExportDeclaration(node) && !(node.exportClause && ts.isNamedExports(node.exportClause)),
    )
    .map((node) => `${source.path}:${lineOf(source, node)} exports without naming: ${node.getText()}`);
}

export const shapes: readonly Rule[] = [
  {
    law: `no file has more than ${FILE_LINES} lines`,
    breach: { 'packages/core/src/long.ts': '// line\n'.repeat(FILE_LINES + 1) },
    check: (sources) =>
      sources
        .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
        .filter(({ lines }) => lines > FILE_LINES)
        .map(({ path, lines }) => `${path} has ${lines} lines`),
  },
  {
    law: `no function has more than ${FUNCTION_LINES} lines`,
    breach: {
      'packages/core/src/f.ts': `function f() {\n${'  g();\n'.repeat(FUNCTION_LINES - 1)}}\n`,
      'packages/core/src/g.ts': `class C {\n  m = () => {\n${'  g();\n'.repeat(FUNCTION_LINES)}};\n}\n`,
    },
    // A test file's `describe` holds its tests; what it must not be is long as a file.
    check: (sources) => sources.filter(({ path }) => !path.endsWith('.test.ts')).flatMap(longFunctions),
  },
  {
    law: 'index.ts stands only at the doors of a package',
    breach: { 'packages/core/src/model/index.ts': "export { plan } from './plan.ts';" },
    check: (sources) => {
      const known = new Set(doors());
      return sources
        .map(({ path }) => path)
        .filter((path) => path.includes('/src/') && basename(path) === 'index.ts' && !known.has(path));
    },
  },
  {
    law: 'exports name what they export',
    breach: {
      'packages/core/src/index.ts': "export * from './errors.ts';",
      'packages/cli/src/index.ts': "export * as errors from './errors.ts';",
    },
    check: (sources) => sources.flatMap(starExports),
  },
  {
    law: 'files are named after what they hold, not utils, helpers or common',
    breach: { 'packages/core/src/utils.ts': '', 'packages/core/src/common/text.ts': '' },
    check: (sources) =>
      sources
        .map(({ path }) => path)
        .filter((path) => /(^|[/.-])(utils?|helpers?|common|misc)([/.-]|$)/.test(path)),
  },
];

/** Symbols that leave through a door without a sentence of documentation. */
export function undocumented(entries: readonly string[]): readonly string[] {
  const config = ts.readConfigFile('tsconfig.base.json', ts.sys.readFile).config as {
    compilerOptions: object;
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  const program = ts.createProgram(entries.filter(existsSync), options);
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const file = program.getSourceFile(entry);
    const door = file && checker.getSymbolAtLocation(file);
    if (door === undefined) return [];
    return checker.getExportsOfModule(door).flatMap((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const said = ts.displayPartsToString(target.getDocumentationComment(checker)).trim();
      if (said !== '' || isForeign(target)) return [];
      return [`${entry} exports ${symbol.name} without a sentence (${placeOf(target)})`];
    });
  });
}

function isForeign(symbol: ts.Symbol): boolean {
  return (
    symbol.declarations?.every((node) => node.getSourceFile().fileName.includes('/node_modules/')) ?? false
  );
}

function placeOf(symbol: ts.Symbol): string {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? 'nowhere';
  return file.startsWith(process.cwd()) ? file.slice(process.cwd().length + 1) : file;
}
