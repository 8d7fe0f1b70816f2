/**
 * The parent's side of an inference process.
 *
 * idle (no process) -- first request --> running -- process ends --> idle; what was asked fails as transient.
 * Any state -- close --> closed: the process is killed, which loses nothing, and requests are refused.
 * While nothing is asked, the process does not keep its parent alive.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EmbedderError } from '@registry/core';
import type { ModelSettings, Reply, Request } from './messages.ts';

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class Inference implements AsyncDisposable {
  readonly #settings: ModelSettings;
  readonly #program: URL;
  readonly #pending = new Map<number, Pending>();
  #process: ChildProcess | undefined;
  #isClosed = false;
  #lastId = 0;

  /** `program`: the file of the inference process. */
  constructor(settings: ModelSettings, program: URL) {
    this.#settings = settings;
    this.#program = program;
  }

  /** @throws EmbedderError, or the signal's reason */
  async embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
    const reply = await this.#ask('embed', texts, signal);
    return 'vectors' in reply ? reply.vectors : [];
  }

  /** Tokens of each text. @throws EmbedderError */
  async count(texts: readonly string[]): Promise<readonly number[]> {
    const reply = await this.#ask('count', texts, undefined);
    return 'tokens' in reply ? reply.tokens : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const child = this.#process;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    // Else a program with nothing left but this would end before it.
    hold(child);
    child.kill();
    await ended;
  }

  async #ask(
    kind: 'embed' | 'count',
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    if (this.#isClosed) throw new EmbedderError('transient', 'The embedder was closed; make another one.');
    const child = this.#running();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const onAbort = () => {
      this.#send(child, { kind: 'cancel', id });
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#pending.set(id, { resolve, reject });
    hold(child);
    this.#send(child, { kind, id, texts });
    try {
      const reply = await promise;
      if (!('failure' in reply)) return reply;
      const { kind: failure, message, textIndex } = reply.failure;
      throw new EmbedderError(failure, message, textIndex === undefined ? {} : { details: { textIndex } });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
      if (this.#pending.size === 0) release(child);
    }
  }

  #running(): ChildProcess {
    if (this.#process !== undefined) return this.#process;
    const child = fork(fileURLToPath(this.#program), {
      serialization: 'advanced',
      // Neither the flags of this process, such as those of a debugger, nor its output.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', (reply: Reply) => this.#pending.get(reply.id)?.resolve(reply));
    child.on('error', (error) => this.#ended(child, error.message));
    child.on('exit', (code, signal) => this.#ended(child, String(signal ?? code)));
    this.#process = child;
    this.#send(child, { kind: 'load', settings: this.#settings });
    return child;
  }

  #send(child: ChildProcess, request: Request): void {
    // A process that is gone tells so by itself.
    child.send(request, () => {});
  }

  #ended(child: ChildProcess, why: string): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    const message = this.#isClosed
      ? 'The embedder was closed; make another one.'
      : `The process of the model ended (${why}); it is started again.`;
    for (const { reject } of this.#pending.values()) reject(new EmbedderError('transient', message));
    this.#pending.clear();
  }
}

function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}

function release(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
}
