import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const compiled = fileURLToPath(new URL('../results/compiled', import.meta.url));

/** A process of its own that is told once what to do, and answers. */
export class Child<Answer> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(
    file: string,
    job: object,
    options: { readonly uid?: number; readonly runtime?: readonly string[] } = {},
  ) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const { runtime = [], ...rest } = options;
    this.#process = fork(path, [JSON.stringify(job)], {
      ...rest,
      // Code is compiled once and kept, as that of a published package is: the translation from TypeScript
      // would count as memory of the work.
      env: { ...process.env, NODE_COMPILE_CACHE: compiled },
      execArgv: [...process.execArgv.filter((argument) => !argument.startsWith('--cpu-prof')), ...runtime],
    });
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`${file} ended without an answer (${code ?? signal})`);
    });
    this.#ended.catch(() => {});
  }

  /** The next message. */
  async answer(): Promise<Answer> {
    const message = once(this.#process, 'message').then(([value]) => value as Answer);
    return Promise.race([message, this.#ended]);
  }

  tell(message: object): void {
    this.#process.send(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, 'exit');
  }
}

/** What this process was told to do. */
export function jobOf<Job>(): Job {
  return JSON.parse(process.argv[2] ?? '{}') as Job;
}

export function report(answer: object): void {
  process.send?.(answer);
}
