import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A list of checks that goes on after a failure, and ends with how many passed. */
export class Steps {
  #passed = 0;
  #failed = 0;
  #open = 0;

  /** What `body` answers is why it was left open. */
  async check(name: string, body: () => unknown): Promise<void> {
    const start = performance.now();
    try {
      const open = await body();
      if (typeof open === 'string') return this.leaveOpen(name, open);
      this.#passed++;
      console.log(`  ok      ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.#failed++;
      const text = error instanceof Error ? error.message : String(error);
      console.log(`  FAILED  ${name}\n${text.replaceAll(/^/gm, '            ')}`);
    }
  }

  /** What cannot be told here, or is for somebody else to do. */
  leaveOpen(name: string, why: string): void {
    this.#open++;
    console.log(`  open    ${name}\n${why.replaceAll(/^/gm, '            ')}`);
  }

  get hasFailed(): boolean {
    return this.#failed > 0;
  }

  /** Prints the closing line and says whether all passed. */
  close(): boolean {
    const open = this.#open > 0 ? `, ${this.#open} open` : '';
    console.log(`${this.#passed} passed, ${this.#failed} failed${open}`);
    return this.#failed === 0;
  }
}

/** Runs a program to its end. @throws Error with all it printed where it does not end with 0. */
export function run(
  command: string,
  parameters: readonly string[],
  options: { readonly cwd: string; readonly path: string },
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const env = { ...process.env, PATH: options.path };
  const child = spawn(command, parameters, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  child.on('error', reject);
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(output);
    reject(new Error(`${command} ${parameters.join(' ')} ended with ${code ?? signal}:\n${output.trim()}`));
  });
  return promise;
}

/**
 * Runs pnpm: the one that has called this program, or whichever npm brings. On its own it need not be in the PATH.
 * @throws Error as `run` does
 */
export function pnpm(
  parameters: readonly string[],
  options: { readonly cwd: string; readonly path: string },
): Promise<string> {
  const isThere = options.path
    .split(delimiter)
    .some((folder) => ['pnpm', 'pnpm.exe', 'pnpm.cmd'].some((name) => existsSync(join(folder, name))));
  return isThere ? run('pnpm', parameters, options) : run('npx', ['-y', 'pnpm@12', ...parameters], options);
}

/** @throws Error listing the findings, where there are any. */
export function expectNone(findings: readonly string[]): void {
  if (findings.length > 0) throw new Error(findings.join('\n'));
}
