import { defineConfig } from 'tsup';

export default defineConfig([
  {
    entry: { index: 'src/index.ts' },
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    target: 'node22',
  },
  {
    // Each command is a file of its own, so that `evr --help` loads none of them.
    entry: { evr: 'src/evr.ts' },
    format: ['esm'],
    splitting: true,
    target: 'node20',
  },
]);
