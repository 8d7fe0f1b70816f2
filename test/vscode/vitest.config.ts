import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/vscode/**/*.test.ts'],
    // One editor at a time: two cores, and figures that mean something.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    bail: 0,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/vscode-test-results.json' }]],
  },
});
