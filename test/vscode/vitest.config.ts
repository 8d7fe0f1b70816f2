import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/vscode/**/*.test.ts'],
    globalSetup: ['test/vscode/install-extension.ts'],
    expect: { poll: { timeout: 60_000 } },
    // One editor at a time: two cores, and figures that mean something.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    bail: 0,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/vscode-test-results.json' }]],
  },
});
