import ts from 'typescript';

/** A JSON Schema, and nothing that this project would not generate. */
type Schema = Readonly<Record<string, unknown>>;

const uuid =
  '^(urn:uuid:)?\\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\\}?$';

/**
 * What types cannot say. An id is an unsigned 64-bit integer or a UUID, and no schema of numbers can hold the
 * former: `unsigned64` is a keyword of the validator's own.
 */
const byHand: Readonly<Record<string, Schema>> = {
  ExtendedPointId: { anyOf: [{ unsigned64: true }, { type: 'string', pattern: uuid }] },
  // Free JSON, integers beyond 2^53 included, which arrive as bigint.
  Payload: { type: 'object' },
};

/**
 * The closed JSON Schema of a type: unknown keys are refused, since the server would silently ignore them.
 * `member` is the property that the type belongs to, whose comment tells the format of a number.
 */
export function schemaOf(type: ts.TypeNode, member?: ts.PropertySignature): Schema {
  const known = member && byHand[(member.name as ts.Identifier).text];
  if (known !== undefined) return known;
  if (ts.isParenthesizedTypeNode(type)) return schemaOf(type.type, member);
  if (ts.isUnionTypeNode(type)) return union(type, member);
  if (ts.isArrayTypeNode(type)) return { type: 'array', items: schemaOf(type.elementType) };
  if (ts.isTypeLiteralNode(type)) return objectSchema(type);
  if (ts.isIndexedAccessTypeNode(type)) return { $ref: `#/definitions/${lastName(type.indexType)}` };
  if (ts.isLiteralTypeNode(type)) return literal(type);
  if (ts.isTypeReferenceNode(type)) return reference(type);
  switch (type.kind) {
    case ts.SyntaxKind.StringKeyword:
      return { type: 'string' };
    case ts.SyntaxKind.NumberKeyword:
      return numberSchema(member);
    case ts.SyntaxKind.BooleanKeyword:
      return { type: 'boolean' };
    default:
      return {};
  }
}

/** Without the branch of null, which a body has only in the types. */
export function withoutNull(schema: Schema): Schema {
  const branches = schema.anyOf as readonly Schema[] | undefined;
  return branches === undefined ? schema : { anyOf: branches.filter(({ type }) => type !== 'null') };
}

/** `Record<string, unknown>` beside null is how the generator writes "or null": it means no object at all. */
function union(type: ts.UnionTypeNode, member: ts.PropertySignature | undefined): Schema {
  const parts = type.types.filter((part) => !isEmptyObjectBesideNull(part, type));
  const [only] = parts;
  return parts.length === 1
    ? schemaOf(only!, member)
    : { anyOf: parts.map((part) => schemaOf(part, member)) };
}

function isEmptyObjectBesideNull(part: ts.TypeNode, whole: ts.UnionTypeNode): boolean {
  return isOpenRecord(part) && whole.types.some((other) => other.getText() === 'null');
}

function isOpenRecord(type: ts.TypeNode): boolean {
  return type.getText() === 'Record<string, unknown>';
}

function objectSchema(type: ts.TypeLiteralNode): Schema {
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  let additionalProperties: Schema | boolean = false;
  for (const member of type.members) {
    if (ts.isIndexSignatureDeclaration(member)) additionalProperties = indexed(member.type);
    if (!ts.isPropertySignature(member) || member.type === undefined) continue;
    const name = (member.name as ts.Identifier | ts.StringLiteral).text;
    properties[name] = schemaOf(member.type, member);
    if (member.questionToken === undefined) required.push(name);
  }
  return { type: 'object', properties, required, additionalProperties };
}

/** `{ [key: string]: T | undefined }`: JSON has no undefined. */
function indexed(type: ts.TypeNode): Schema {
  if (!ts.isUnionTypeNode(type)) return schemaOf(type);
  const parts = type.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
  return parts.length === 1 ? schemaOf(parts[0]!) : { anyOf: parts.map((part) => schemaOf(part)) };
}

function lastName(type: ts.TypeNode): string {
  return ((type as ts.LiteralTypeNode).literal as ts.StringLiteral).text;
}

function literal({ literal: value }: ts.LiteralTypeNode): Schema {
  if (value.kind === ts.SyntaxKind.NullKeyword) return { type: 'null' };
  if (ts.isStringLiteral(value)) return { const: value.text };
  return { const: JSON.parse(value.getText()) as unknown };
}

/** `OneOf<[A, B]>` of the generated file; any other name is a type that only answers use. */
function reference(type: ts.TypeReferenceNode): Schema {
  const [list] = type.typeArguments ?? [];
  if (type.typeName.getText() !== 'OneOf' || list === undefined || !ts.isTupleTypeNode(list)) return {};
  return { anyOf: list.elements.map((element) => schemaOf(element)) };
}

/** The generator leaves the format of numbers in the comment. */
function numberSchema(member: ts.PropertySignature | undefined): Schema {
  const format = /Format: (\w+)/.exec(member?.getFullText() ?? '')?.[1] ?? '';
  if (!format.startsWith('uint')) return { number: true };
  return { type: 'integer', minimum: 0 };
}
