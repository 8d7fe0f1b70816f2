/** A folder as a user has one: packages, a configuration file, nodes. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryHdv } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { onTestFinished } from 'vitest';
import { builtPackage } from './built-program.ts';
import { type CallOptions, evr, evrJson, type Outcome, type Result, Running } from './evr.ts';

const packages = ['core', 'cli', 'embedders', 'node-memory'];

export const oneRegistry = `import { defineRegistryConfig } from '@registry/cli';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
export default defineRegistryConfig({
  registry: { registryDbPath: './registry.sqlite' },
  nodeStore: () => SqliteNodeStore.open({ path: './nodes.sqlite' }),
  embedders: [hashedNgram({ dimension: 64 })],
});
`;

export interface ProjectOptions {
  readonly config?: string;
  readonly configName?: string;
  /** Of its package.json; undefined leaves it out. */
  readonly type?: 'module' | 'commonjs' | undefined;
  /** Nodes with a vector of \`binary_hdv\`. */
  readonly nodes?: readonly { readonly id: string; readonly content: string; readonly kind?: string }[];
}

/** A temporary folder that goes with the test. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'registry-cli-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

export class Project {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(options: ProjectOptions = {}): Promise<Project> {
    const project = new Project(emptyFolder());
    const { folder } = project;
    const modules = join(folder, 'node_modules', '@registry');
    mkdirSync(modules, { recursive: true });
    for (const name of packages) symlinkSync(builtPackage(name), join(modules, name), 'junction');
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ type: 'type' in options ? options.type : 'module' }),
    );
    const text = options.config ?? oneRegistry;
    if (text !== '') project.write(options.configName ?? 'embedding-registry.config.ts', text);
    if (options.nodes !== undefined) await project.fill(options.nodes);
    return project;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  async fill(nodes: NonNullable<ProjectOptions['nodes']>): Promise<void> {
    const embedder = binaryHdv();
    const store = await SqliteNodeStore.open({ path: this.path('nodes.sqlite') });
    const vectors = await embedder.embed(
      nodes.map(({ content }) => content),
      { purpose: 'document' },
    );
    for (const [index, { id, content, kind }] of nodes.entries())
      await store.upsert({
        id,
        content,
        ...(kind !== undefined && { metadata: { kind } }),
        vector: vectors[index]!,
        ...embedder.spec.info,
      });
    await store.close();
  }

  run(parameters: readonly string[], options: Partial<CallOptions> = {}): Promise<Outcome> {
    return evr(parameters, { cwd: this.folder, ...options });
  }

  json(parameters: readonly string[], options: Partial<CallOptions> = {}): Promise<Result> {
    return evrJson(parameters, { cwd: this.folder, ...options });
  }

  start(parameters: readonly string[], options: Partial<CallOptions> = {}): Running {
    return new Running(parameters, { cwd: this.folder, ...options });
  }

  /** Registers the models of the embedders and answers the id of a plan to `hashed_ngram_64:v1`. */
  async planned(parameters: readonly string[] = []): Promise<string> {
    await this.json(['models', 'register']);
    const { data } = await this.json(['plan', '--to', 'hashed', ...parameters]);
    return data.planId as string;
  }
}

/** As many nodes, each with a text of its own. */
export function notes(count: number): { id: string; content: string; kind: string }[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `note-${String(index).padStart(3, '0')}`,
    content: `note ${index} of a test`,
    kind: index % 2 === 0 ? 'even' : 'odd',
  }));
}
