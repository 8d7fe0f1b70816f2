import { defineConfig, type Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** The binary of SQLite lies beside the bundles, not in the package they were made of. */
const shippedBinary: Plugin = {
  name: 'shipped-binary',
  setup(build) {
    build.onLoad({ filter: /better-sqlite3[\\/]lib[\\/]binding\.js$/ }, () => ({
      contents: `exports.getBinding = (given) => require(given ?? require('node:path').join(__dirname, 'native', 'better_sqlite3.node'));`,
    }));
  },
};

const bundled: Options = {
  platform: 'node',
  target: 'node22',
  // Everything but what the editor itself provides.
  noExternal: [/^(?!vscode$)/],
  external: ['vscode'],
  esbuildPlugins: [shippedBinary],
  minify: true,
  // Says what was bundled: whose licences have to go along.
  metafile: true,
};

export default defineConfig([
  {
    ...bundled,
    entry: { extension: 'src/extension.ts', 'registry-process': 'src/registry-process/main.ts' },
    format: 'cjs',
    outExtension: () => ({ js: '.cjs' }),
    splitting: false,
  },
  {
    entry: { page: 'src/webview/page.ts' },
    outDir: 'dist/webview',
    format: 'iife',
    platform: 'browser',
    target: 'chrome128',
    outExtension: () => ({ js: '.js' }),
    noExternal: [/./],
    minify: true,
    metafile: true,
  },
  {
    ...bundled,
    // For workspaces that have not installed the command line, or the packages of their configuration file.
    entry: {
      evr: '../../packages/cli/src/evr.ts',
      'registry-cli': '../../packages/cli/src/index.ts',
      'registry-core': '../../packages/core/src/index.ts',
      'registry-embedders': '../../packages/embedders/src/index.ts',
      'registry-node-memory': '../../packages/node-memory/src/index.ts',
      'shipped-packages': 'src/shipped-packages.ts',
      sample: 'src/sample/main.ts',
    },
    format: 'esm',
    outExtension: () => ({ js: '.mjs' }),
    splitting: true,
    // Optional packages of embedders: whoever uses them has installed them.
    noExternal: [/^(?!vscode$|@huggingface\/|gpt-tokenizer)/],
    external: ['vscode', /^@huggingface\//, /^gpt-tokenizer/],
    banner: {
      js: `import { createRequire as __require } from 'node:module'; const require = __require(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;`,
    },
  },
]);
