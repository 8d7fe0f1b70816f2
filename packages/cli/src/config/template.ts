export type EmbedderKind = 'hashed-ngram' | 'binary-hdv' | 'openai';

interface Choices {
  readonly embedder: EmbedderKind;
  readonly nodesPath: string;
  readonly dbPath: string;
}

const embedders: Readonly<Record<EmbedderKind, { name: string; code: string }>> = {
  'hashed-ngram': { name: 'hashedNgram', code: 'hashedNgram()' },
  'binary-hdv': { name: 'binaryHdv', code: 'binaryHdv()' },
  openai: {
    name: 'openAICompatible',
    code: `openAICompatible({
      baseURL: 'https://api.openai.com/v1',
      model: 'text-embedding-3-small',
      dimension: 1536,
      // A function, so that the key is never written down here.
      apiKey: () => process.env.OPENAI_API_KEY ?? '',
    })`,
  },
};

/** The text of a new configuration file. */
export function fileText({ embedder, nodesPath, dbPath }: Choices): string {
  const { name, code } = embedders[embedder];
  const importLine = (what: string, from: string) => `import { ${what} } from ${quoted(from)};`;
  return `${importLine('defineRegistryConfig', '@registry/cli')}
${importLine(name, '@registry/embedders')}
${importLine('SqliteNodeStore', '@registry/node-memory')}

// Relative paths count from the folder of this file.
export default defineRegistryConfig({
  // The database of models, plans and backups. Settings of a new plan may stand
  // here too: migrationBatchSize, migrationThrottleMs, maxParallelWorkers,
  // maxRetries.
  registry: { registryDbPath: ${quoted(dbPath)} },

  // Where your nodes live; opened when a command needs them. For a table of your
  // own, adopt it first (SqliteNodeStore.adopt) and pass { path, table, columns }.
  nodeStore: () => SqliteNodeStore.open({ path: ${quoted(nodesPath)} }),

  // One for each model that is to be embedded with: the old one stays here until
  // its nodes have moved.
  embedders: [
    ${code},
  ],
});
`;
}

function quoted(path: string): string {
  return `'${path.replaceAll(/[\\']/g, '\\$&')}'`;
}
