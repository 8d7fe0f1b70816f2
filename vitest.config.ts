import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,extensions,examples}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Needs an editor and a browser: a command of its own.
    exclude: ['**/node_modules/**', 'test/vscode/**'],
    testTimeout: 30_000,
    maxWorkers: '100%', // of the cores; Vitest would leave one idle
    // `.ci/run` reads its counts from the second one.
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/test-results.json' }]],
  },
});
