import { defineConfig } from 'tsup';

export default defineConfig([
  {
    entry: { extension: 'src/extension.ts', 'registry-process': 'src/registry-process/main.ts' },
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    outExtension: () => ({ js: '.cjs' }),
    // Everything is bundled but what the editor itself provides.
    noExternal: [/^(?!vscode$)/],
    external: ['vscode'],
    splitting: false,
    minify: true,
    clean: ['dist/*.cjs'],
  },
]);
