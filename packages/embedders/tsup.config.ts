import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    // Started as a process of its own, by its place beside `index`.
    'transformers/inference-process': 'src/transformers/inference-process.ts',
  },
  format: ['esm', 'cjs'],
  dts: { entry: { index: 'src/index.ts' } },
  clean: true,
  // `import.meta.url` in CommonJS.
  shims: true,
  target: 'node22',
});
