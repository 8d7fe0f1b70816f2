/** The real program as a child process, as a terminal or an editor starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { program } from './built-program.ts';

/** The program as it lies here, which is run too: see `built-program.ts` for the other one. */
export const sources = fileURLToPath(new URL('../src/evr.ts', import.meta.url));

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The last line of `--json`. */
export interface Result {
  readonly event: 'result';
  readonly command: string;
  readonly exitCode: number;
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own, and the test says which.
  readonly data?: any;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly advice?: string;
    readonly details: Record<string, unknown>;
  };
}

export interface CallOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly program?: string;
}

/** Without what this machine may have set. */
export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = tmpdir(), NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE, ...extra };
}

function start(parameters: readonly string[], { cwd, env, ...o }: CallOptions): ChildProcess {
  const child = spawn(process.execPath, [o.program ?? program, ...parameters], {
    cwd,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => {}); // it may end before it has read what it is given
  return child;
}

/** Runs a command to its end. */
export async function evr(parameters: readonly string[], options: CallOptions): Promise<Outcome> {
  const child = start(parameters, options);
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin?.end(options.stdin ?? '');
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout, stderr };
}

/** Runs a command with `--json` and answers its result. */
export async function evrJson(parameters: readonly string[], options: CallOptions): Promise<Result> {
  const { exitCode, stdout, stderr } = await evr([...parameters, '--json'], options);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const result = JSON.parse(last) as Result;
  if (result.exitCode !== exitCode)
    throw new Error(`${parameters.join(' ')} ended with ${exitCode}, and says ${last}\n${stderr}`);
  return result;
}

/** A command with `--json` that goes on; it ends with the test at the latest. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #lines: AsyncIterator<string>;

  constructor(parameters: readonly string[], options: CallOptions) {
    this.child = start([...parameters, '--json'], options);
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** The next line that `matches`; those before it are passed over. */
  // biome-ignore lint/suspicious/noExplicitAny: events differ, and the test says which it waits for.
  async line(matches: (event: any) => boolean): Promise<any> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error('The program ended without such a line.');
      const event = JSON.parse(value) as unknown;
      if (matches(event)) return event;
    }
  }
}
