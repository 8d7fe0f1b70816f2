import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { sampleRuntime } from '../../../test/sample-runtime.ts';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

it('proves every claim in lines of 80 columns', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(sampleRuntime, [program, '150']);
  const lines = stdout.split('\n');
  expect(lines.filter((line) => line.includes('✗'))).toEqual([]);
  expect(lines.filter((line) => line.trimStart().startsWith('✓')).length).toBe(6);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(stdout).toContain('no search failed');
});
