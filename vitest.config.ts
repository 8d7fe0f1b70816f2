import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Workers, and the programs of the workspace that they start: stripping types and compiling would take most of the
// time of a short one.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

export default defineConfig({
  test: {
    include: ['{packages,extensions,examples}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Needs an editor and a browser: a command of its own.
    exclude: ['**/node_modules/**', 'test/vscode/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Loading the workspace anew for each file takes longer than most files do: whatever a test changes beyond itself
    // it puts back by `onTestFinished`.
    isolate: false,
    // Vitest would leave one core idle; and a third of the time the tests wait for processes, disks and answers.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // `.ci/run` reads its counts from the second one.
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/test-results.json' }]],
  },
});
