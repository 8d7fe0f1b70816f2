import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,extensions,examples}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Needs an editor and a browser: a command of its own.
    exclude: ['**/node_modules/**', 'test/vscode/**'],
    testTimeout: 30_000,
    // Vitest would leave one core idle; and a third of the time the tests wait for processes, disks and answers.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // `.ci/run` reads its counts from the second one.
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/test-results.json' }]],
  },
});
