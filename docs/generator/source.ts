/** What comments in the sources say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const workspace = join(import.meta.dirname, '../..');

/** The properties of an exported interface, each with its comment. */
export function propertiesOf(path: string, name: string): Readonly<Record<string, string>> {
  const { found } = interfaceIn(path, name);
  return Object.fromEntries(
    found.members.flatMap((member) =>
      member.name === undefined ? [] : [[nameOf(member.name), commentOf(member)] as const],
    ),
  );
}

/** The types of those properties, as they are written. */
export function typesOf(path: string, name: string): Readonly<Record<string, string>> {
  const { source, found } = interfaceIn(path, name);
  return Object.fromEntries(
    found.members.flatMap((member) =>
      ts.isPropertySignature(member) && member.type !== undefined
        ? [[nameOf(member.name), member.type.getText(source).replaceAll(/\s+/g, ' ')] as const]
        : [],
    ),
  );
}

function interfaceIn(path: string, name: string): { source: ts.SourceFile; found: ts.InterfaceDeclaration } {
  const source = parse(path);
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  if (found === undefined || !ts.isInterfaceDeclaration(found))
    throw new Error(`${path} has no interface ${name}.`);
  return { source, found };
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(workspace, path), 'utf8'), ts.ScriptTarget.ESNext, true);
}

function nameOf(name: ts.PropertyName): string {
  return ts.isStringLiteral(name) || ts.isIdentifier(name) ? name.text : name.getText();
}

function commentOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? '')
    .join(' ');
}
