import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import ts from 'typescript';
import { schemaOf, withoutNull } from './json-schema.ts';

/** One operation of the client's own types: how it is called, and what it may send. */
export interface ClientOperation {
  readonly name: string;
  readonly method: string;
  /** With `{name}` for what varies. */
  readonly path: string;
  readonly query: object;
  readonly body: object | undefined;
}

const door = createRequire(import.meta.url).resolve('@qdrant/js-client-rest');
const generated = new URL('../types/openapi/generated_schema.d.ts', `file://${door}`);

function membersOf(node: ts.TypeNode | ts.InterfaceDeclaration | undefined) {
  if (node === undefined || !(ts.isTypeLiteralNode(node) || ts.isInterfaceDeclaration(node))) return [];
  return node.members.flatMap((member) => {
    if (!ts.isPropertySignature(member) || member.type === undefined) return [];
    return [{ name: (member.name as ts.StringLiteral | ts.Identifier).text, member, type: member.type }];
  });
}

type Declaration = ts.TypeNode | ts.InterfaceDeclaration | undefined;

function typeAt(node: Declaration, ...names: readonly string[]): ts.TypeNode | undefined {
  const [name, ...rest] = names;
  const type = membersOf(node).find((member) => member.name === name)?.type;
  return rest.length === 0 ? type : typeAt(type, ...rest);
}

/**
 * Reads the types that the installed client was generated with: the schemas of its API by name, and its
 * operations. The file has one shape throughout (it is generated), so its syntax says everything.
 */
export function readClientTypes(): {
  readonly definitions: Readonly<Record<string, object>>;
  readonly operations: readonly ClientOperation[];
} {
  const text = readFileSync(generated, 'utf8');
  const tree = ts.createSourceFile('generated_schema.d.ts', text, ts.ScriptTarget.Latest, true);
  const declared = new Map(
    tree.statements.filter(ts.isInterfaceDeclaration).map((statement) => [statement.name.text, statement]),
  );
  const components = membersOf(typeAt(declared.get('components'), 'schemas'));
  const definitions = components.map(({ name, member, type }) => [name, schemaOf(type, member)]);
  const operations = membersOf(declared.get('paths')).flatMap(({ name: path, type }) =>
    membersOf(type).flatMap(({ name: method, type: reference }) => {
      const name = operationName(reference);
      return operation(path, method, name, typeAt(declared.get('operations'), name));
    }),
  );
  return { definitions: Object.fromEntries(definitions), operations };
}

function operationName(reference: ts.TypeNode): string {
  if (ts.isIndexedAccessTypeNode(reference) && ts.isLiteralTypeNode(reference.indexType)) {
    return (reference.indexType.literal as ts.StringLiteral).text;
  }
  throw new Error(`the client's types changed their shape: ${reference.getText()}`);
}

function operation(path: string, method: string, name: string, type: Declaration): ClientOperation {
  const query = typeAt(type, 'parameters', 'query');
  const body = typeAt(type, 'requestBody', 'content', 'application/json');
  return {
    name,
    method: method.toUpperCase(),
    path,
    query: query === undefined ? { type: 'object', additionalProperties: false } : schemaOf(query),
    body: body && withoutNull(schemaOf(body)),
  };
}
