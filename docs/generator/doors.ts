/** The public doors: page, module, source, and what each is for. `@registry/core/sqlite` is for the siblings alone. */
export const doors = [
  {
    page: 'core',
    module: '@registry/core',
    source: 'packages/core/src/index.ts',
    about: 'Models, plans, the worker and rollback. Nearly everything hangs off `EmbeddingVersionManager`.',
  },
  {
    page: 'node-memory',
    module: '@registry/node-memory',
    source: 'packages/node-memory/src/index.ts',
    about: 'A node store in SQLite, over a table of its own or one of yours, with search.',
  },
  {
    page: 'embedders',
    module: '@registry/embedders',
    source: 'packages/embedders/src/index.ts',
    about: 'Embedders: offline ones, OpenAI-compatible servers, AI SDK, LangChain, transformers.js.',
  },
  {
    page: 'qdrant',
    module: '@registry/qdrant',
    source: 'packages/qdrant/src/index.ts',
    about: 'A node store over a Qdrant collection.',
  },
  {
    page: 'cli',
    module: '@registry/cli',
    source: 'packages/cli/src/index.ts',
    about: 'What a configuration file of `evr` imports.',
  },
  {
    page: 'core-testing',
    module: '@registry/core/testing',
    source: 'packages/core/src/testing/index.ts',
    about: 'Contract suites for stores and embedders of your own, a manual clock, and faults on demand.',
  },
  {
    page: 'core-harmless-text',
    module: '@registry/core/harmless-text',
    source: 'packages/core/src/harmless-text.ts',
    about: 'What makes text of foreign origin harmless on a screen.',
  },
] as const;
