/** The exported symbols of each public door, from their TSDoc: an index for each door, and a page for each symbol. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { errorCodes, findingCodes } from '@registry/core';
import {
  Application,
  Comment,
  CommentTag,
  type Context,
  Converter,
  type DeclarationReflection,
  type ProjectReflection,
  ReferenceType,
  type Reflection,
  ReflectionKind,
  type SignatureReflection,
  type SomeType,
  type TypeDocOptions,
} from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import ts from 'typescript';
import { roomOfMember, roomOfSource, roomOrder } from './api-rooms.ts';
import { doors } from './doors.ts';
import { table } from './markdown.ts';

const workspace = join(import.meta.dirname, '../..');
/** Priority of a listener that TypeDoc's own plugins run before. */
const AFTER_ALL = -10_000;
const aliasBySize = new Map([
  [Object.keys(errorCodes).length, 'RegistryErrorCode'],
  [Object.keys(findingCodes).length, 'FindingCode'],
]);
const coreSources = join(workspace, 'packages/core/src');

/** Writes the pages into `folder`. */
export async function writeApi(folder: string): Promise<void> {
  const options: TypeDocOptions & Partial<PluginOptions> = {
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: doors.map(({ source }) => join(workspace, source)),
    sortEntryPoints: false,
    tsconfig: join(workspace, 'tsconfig.json'),
    router: 'structure',
    name: 'API',
    readme: 'none',
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true, // `pnpm types` is a check of its own
    validation: { invalidLink: true, notExported: false, invalidPath: false, notDocumented: false },
    treatValidationWarningsAsErrors: true,
    logLevel: 'Error',
    sort: ['kind', 'source-order'],
    kindSortOrder: ['Class', 'Function', 'Variable', 'Interface', 'TypeAlias'],
    groupOrder: [
      'Classes',
      'Functions',
      'Variables',
      'Interfaces',
      'Type Aliases',
      'Constructors',
      'Properties',
      '*',
    ],
    categoryOrder: roomOrder,
    categorizeByGroup: false,
    pageTitleTemplates: {
      module: ({ name }) => doors.find(({ page }) => page === name)?.module ?? name,
      member: ({ name }) => name,
    },
    hidePageHeader: true,
    indexFormat: 'table',
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    enumMembersFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: { hideModifiers: true, hideInherited: true, hideOverrides: true },
    expandObjects: true,
    useCodeBlocks: true,
    entryFileName: 'index',
    outputs: [{ name: 'markdown', path: folder }],
  };
  const app = await Application.bootstrapWithPlugins(options);
  app.converter.on(Converter.EVENT_CREATE_SIGNATURE, sayWhatIsLinked);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, putInRooms);
  app.converter.on(Converter.EVENT_RESOLVE_END, tidy, AFTER_ALL);
  const project = await app.convert();
  if (project === undefined) throw new Error('The doors could not be read.');
  for (const module of project.children ?? []) {
    const sources = [`packages/${module.name}/index.ts`, `packages/${module.name}.ts`];
    const door = doors.find(({ source }) => sources.includes(source));
    if (door === undefined) throw new Error(`No page is known for ${module.name}.`);
    module.name = door.page;
    module.comment = new Comment([{ kind: 'text', text: door.about }]);
  }
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error('The API reference is not whole.');
  writeFileSync(join(folder, 'index.md'), indexPage());
}

function indexPage(): string {
  const rows = doors.map(({ page, module, about }) => [`[${module}](./${page}.md)`, about]);
  return `# API\n\nEverything that a package exports, by what you do with it.\n\n${table(['import from', 'what it is'], rows)}\n`;
}

/** Puts each symbol of `@registry/core` below its heading, and each member of the manager below one of its page. */
function putInRooms(context: Context): void {
  const module = context.project.children!.find(({ name }) => name === 'core/src')!;
  for (const symbol of module.children!) {
    const source = context.getSymbolFromReflection(symbol)!.declarations![0]!.getSourceFile().fileName;
    putInRoom(symbol, roomOfSource(relative(coreSources, source).replaceAll('\\', '/')));
  }
  const manager = module.children!.find(({ name }) => name === 'EmbeddingVersionManager')!;
  for (const member of manager.children!)
    if (!member.kindOf(ReflectionKind.Constructor)) putInRoom(member, roomOfMember(member.name));
}

function putInRoom(declaration: DeclarationReflection, room: string): void {
  const described = declaration.signatures?.[0] ?? declaration;
  described.comment ??= new Comment();
  described.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: room }]));
}

/** Where a comment is no more than a link to what a method calls, the page has what is said there. */
function sayWhatIsLinked(context: Context, signature: SignatureReflection, node?: ts.Node): void {
  const [link, ...rest] = signature.comment?.summary ?? [];
  if (node === undefined || rest.length > 0 || link?.kind !== 'inline-tag') return;
  const written = ts
    .getJSDocCommentsAndTags(node)
    .flatMap(({ comment }) => (typeof comment === 'object' ? comment : []))
    .find(ts.isJSDocLink);
  const symbol = written?.name && context.checker.getSymbolAtLocation(written.name);
  const declared = symbol && context.resolveAliasedSymbol(symbol).declarations?.find(ts.isFunctionLike);
  if (declared === undefined) throw new Error(`Nothing is known of ${link.text}.`);
  signature.comment = context.getSignatureComment(declared) ?? new Comment();
}

/** Says of an inherited member what it is and no more, and links each code that is thrown. */
function tidy({ project }: Context): void {
  for (const one of Object.values(project.reflections)) {
    for (const { tag, content } of one.comment?.blockTags ?? [])
      if (tag === '@throws') for (const part of content) part.text = linkCode(part.text);
    nameCodes(one, project);
    if (!one.isDeclaration() && !one.isSignature()) continue;
    delete one.inheritedFrom;
    delete one.overwrites;
    delete one.implementationOf;
  }
}

/** TypeScript forgets the name of a `keyof`, and TypeDoc then writes out its sixty members. */
function nameCodes(one: Reflection & { type?: SomeType }, project: ProjectReflection): void {
  const { type } = one;
  const members = type?.type === 'union' ? type.types.filter(({ type }) => type === 'literal').length : 0;
  const name = aliasBySize.get(members);
  if (name === undefined || one.name === name) return;
  const alias = project.getReflectionsByKind(ReflectionKind.TypeAlias).find((other) => other.name === name)!;
  one.type = ReferenceType.createResolvedReference(name, alias, project);
}

function linkCode(text: string): string {
  const code = /^`([A-Z_]+)`$/.exec(text)?.[1];
  return code === undefined || !(code in errorCodes)
    ? text
    : `[${text}](/reference/errors#${code.toLowerCase().replaceAll('_', '-')})`;
}
