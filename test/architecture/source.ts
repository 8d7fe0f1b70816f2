import { globSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path/posix';
import ts from 'typescript';

/** A TypeScript file under inspection; its path is relative to the repository, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** One house rule, with an example of what it must notice: a rule that cannot fail guards nothing. */
export interface Rule {
  readonly law: string;
  /** Files whose text breaks the law, by path. */
  readonly breach: Readonly<Record<string, string>>;
  /** What breaks the law, each naming its file. */
  check(sources: readonly Source[]): readonly string[];
}

export function parseSource(path: string, text: string): Source {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** Every TypeScript file below the given folders; dependencies and build results are no sources. */
export function readSources(...folders: readonly string[]): readonly Source[] {
  const patterns = folders.map((folder) => `${folder}/**/*.ts`);
  const paths = globSync(patterns, { exclude: (path) => /(^|[\\/])(node_modules|dist)$/.test(path) });
  return paths
    .map((path) => path.replaceAll('\\', sep))
    .sort()
    .map((path) => parseSource(path, readFileSync(path, 'utf8')));
}

/** `packages/core` of `packages/core/src/model/plan.ts`. */
export function packageOf(path: string): string {
  return path.split(sep).slice(0, 2).join(sep);
}

/** The libraries: what may neither print nor touch the process. */
export function isLibrary(path: string): boolean {
  return path.startsWith('packages/') && packageOf(path) !== 'packages/cli';
}

export interface Import {
  readonly specifier: string;
  /** The repository path a relative import points to. */
  readonly target: string | undefined;
  readonly line: number;
}

const importsBySource = new WeakMap<Source, readonly Import[]>();

/** Every module a file names: import, export from, import(), require() and import types. */
export function importsOf(source: Source): readonly Import[] {
  const known = importsBySource.get(source) ?? foundImports(source);
  importsBySource.set(source, known);
  return known;
}

function foundImports(source: Source): readonly Import[] {
  const found: Import[] = [];
  visit(source.tree, (node) => {
    const literal = moduleLiteral(node);
    if (literal === undefined) return;
    const specifier = literal.text;
    const target = specifier.startsWith('.') ? join(dirname(source.path), specifier) : undefined;
    found.push({ specifier, target, line: lineOf(source, literal) });
  });
  return found;
}

function moduleLiteral(node: ts.Node): ts.StringLiteralLike | undefined {
  const named =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
        ? node.argument.literal
        : isLoad(node)
          ? node.arguments[0]
          : undefined;
  return named && ts.isStringLiteralLike(named) ? named : undefined;
}

function isLoad(node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(node.expression) && node.expression.text === 'require';
}

const nodesOf = new WeakMap<ts.Node, readonly ts.Node[]>();

/** Calls back for a node and everything below it, in the order of the text. */
export function visit(root: ts.Node, callback: (node: ts.Node) => void): void {
  const known = nodesOf.get(root) ?? collected(root);
  // Each rule goes through every file, and a list is gone through much faster than a tree.
  if (ts.isSourceFile(root)) nodesOf.set(root, known);
  for (const node of known) callback(node);
}

function collected(root: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const collect = (node: ts.Node) => {
    found.push(node);
    ts.forEachChild(node, collect);
  };
  collect(root);
  return found;
}

export function lineOf(source: Source, node: ts.Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1;
}
