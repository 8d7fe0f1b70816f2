import { type ChildProcess, fork } from 'node:child_process';
import { childEnvironment, runtimePath } from '../host-process.ts';
import type {
  Answer,
  Fault,
  InputOf,
  Message,
  OutputOf,
  ProgressData,
  Reads,
  Writes,
} from '../registry-process/messages.ts';

/** What a registry refused, with the code that core gives it. */
class RegistryFault extends Error {
  readonly code: string;

  constructor({ code, message }: Fault) {
    super(message);
    this.name = 'RegistryFault';
    this.code = code;
  }
}

/** Thrown by a write that would first turn a database of the origin into one of this program. */
class UpgradeNeeded extends Error {
  constructor() {
    super('This database was written by another program, and would have to be upgraded first.');
    this.name = 'UpgradeNeeded';
  }
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onProgress?(progress: ProgressData): void;
}

/**
 * The process that reads and writes registries, seen from the extension.
 *
 * asleep ──a request──▶ awake ──nothing held, nothing asked──▶ asleep; a crash fails what was asked and
 * leaves it asleep. Only `#awake` and `#sleep` change the state.
 */
export class RegistryProcess {
  readonly #program: string;
  readonly #parameters: readonly string[];
  readonly #onOutput: (line: string) => void;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #holds = 0;
  #lastId = 0;

  /** `nativeBinding`: the better-sqlite3 binary, where it is shipped apart from its package. */
  constructor(o: { program: string; nativeBinding?: string; onOutput: (text: string) => void }) {
    this.#program = o.program;
    this.#parameters = o.nativeBinding === undefined ? [] : [o.nativeBinding];
    this.#onOutput = o.onOutput;
  }

  get isAwake(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Keeps the process until the answer is called: something on the screen needs it. */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#holds -= 1;
      isHeld = false;
      this.#sleepIfIdle();
    };
  }

  /** Starts it ahead of the first question. */
  wake(): void {
    this.#awake();
  }

  /** @throws RegistryFault */
  read<Name extends keyof Reads>(
    path: string,
    name: Name,
    ...input: InputOf<Reads[Name]> extends undefined ? [] : [InputOf<Reads[Name]>]
  ): Promise<OutputOf<Reads[Name]>> {
    return this.#ask({ id: ++this.#lastId, do: 'read', path, name, input: input[0] }) as Promise<
      OutputOf<Reads[Name]>
    >;
  }

  /** @throws RegistryFault, UpgradeNeeded */
  write<Name extends keyof Writes>(
    path: string,
    name: Name,
    input: InputOf<Writes[Name]>,
    allowUpgrade = false,
  ): Promise<OutputOf<Writes[Name]>> {
    const id = ++this.#lastId;
    return this.#ask({ id, do: 'write', path, name, input, allowUpgrade }) as Promise<OutputOf<Writes[Name]>>;
  }

  /** The registry that a `config.yaml` names, if it does. @throws RegistryFault `CONFIG_INVALID` */
  configuredPath(path: string): Promise<string | null | undefined> {
    const id = ++this.#lastId;
    return this.#ask({ id, do: 'configured', path }) as Promise<string | null | undefined>;
  }

  /** Calls back with each change of a plan, until it rests, has no worker, or the signal aborts. */
  async watch(
    path: string,
    planId: string,
    onProgress: (progress: ProgressData) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const id = ++this.#lastId;
    const stop = () => this.#child?.send({ id, do: 'stop' } satisfies Message);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#ask({ id, do: 'watch', path, planId }, (progress) => {
        if (!signal.aborted) onProgress(progress);
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  dispose(): void {
    this.#holds = 0;
    this.#fail(new RegistryFault({ code: 'ENDED', message: 'The extension was stopped.' }));
    this.#sleep();
  }

  #ask(message: Message, onProgress?: Pending['onProgress']): Promise<unknown> {
    const child = this.#awake();
    return new Promise((resolve, reject) => {
      this.#pending.set(message.id, { resolve, reject, ...(onProgress && { onProgress }) });
      child.send(message);
    }).finally(() => this.#sleepIfIdle());
  }

  #awake(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = fork(this.#program, this.#parameters, {
      execPath: runtimePath,
      execArgv: [],
      env: childEnvironment(),
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stdout?.on('data', (text: Buffer) => this.#onOutput(text.toString()));
    child.stderr?.on('data', (text: Buffer) => this.#onOutput(text.toString()));
    child.on('message', (answer) => this.#settle(answer as Answer));
    // Each question that cannot be sent tells one.
    child.on('error', (error) => this.#lose(child, error.message));
    // What was sent just before is never answered. A process that ends says how, a moment later.
    child.once('disconnect', () => setImmediate(() => this.#lose(child, 'hears nobody any more')));
    child.once('exit', (code, signal) => this.#lose(child, `exit ${signal ?? code}`));
    return child;
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    if ('progress' in answer) {
      pending.onProgress?.(answer.progress);
      return;
    }
    this.#pending.delete(answer.id);
    if ('error' in answer) pending.reject(new RegistryFault(answer.error));
    else if ('upgradeNeeded' in answer) pending.reject(new UpgradeNeeded());
    else pending.resolve(answer.value);
  }

  #lose(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#fail(
      new RegistryFault({
        code: 'CRASHED',
        message: `The process that reads registries ended (${how}); try again.`,
      }),
    );
  }

  #fail(error: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }

  #sleepIfIdle(): void {
    if (this.#holds === 0 && this.#pending.size === 0) this.#sleep();
  }

  #sleep(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child?.connected) child.disconnect();
  }
}
