/** The exported symbols of each public door, from their TSDoc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';

const workspace = join(import.meta.dirname, '../..');

/** Page, module and source of each door. `@registry/core/sqlite` is for the sibling packages alone. */
const doors = [
  ['core', '@registry/core', 'packages/core/src/index.ts'],
  ['core-testing', '@registry/core/testing', 'packages/core/src/testing/index.ts'],
  ['core-harmless-text', '@registry/core/harmless-text', 'packages/core/src/harmless-text.ts'],
  ['node-memory', '@registry/node-memory', 'packages/node-memory/src/index.ts'],
  ['embedders', '@registry/embedders', 'packages/embedders/src/index.ts'],
  ['qdrant', '@registry/qdrant', 'packages/qdrant/src/index.ts'],
  ['cli', '@registry/cli', 'packages/cli/src/index.ts'],
] as const;

/** Writes one page a door into `folder`. */
export async function writeApi(folder: string): Promise<void> {
  const options: TypeDocOptions & Partial<PluginOptions> = {
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: doors.map(([, , source]) => join(workspace, source)),
    tsconfig: join(workspace, 'tsconfig.json'),
    router: 'module',
    readme: 'none',
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true, // `pnpm types` is a check of its own
    validation: { invalidLink: true, notExported: false, invalidPath: false, notDocumented: false },
    logLevel: 'Error',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    enumMembersFormat: 'table',
    expandObjects: false,
    useCodeBlocks: true,
    entryFileName: 'index',
    outputs: [{ name: 'markdown', path: folder }],
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (project === undefined) throw new Error('The doors could not be read.');
  for (const module of project.children ?? []) {
    const sources = [`packages/${module.name}/index.ts`, `packages/${module.name}.ts`];
    const door = doors.find(([, , source]) => sources.includes(source));
    if (door === undefined) throw new Error(`No page is known for ${module.name}.`);
    module.name = door[0];
  }
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error('The API reference is not whole.');
  for (const [page, title] of doors) {
    const path = join(folder, `${page}.md`);
    // `outline`: symbols alone, and not the parameters of each.
    const front = `---\noutline: [2, 3]\n---\n\n# ${title}\n`;
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^# .*\n/, front));
  }
}
