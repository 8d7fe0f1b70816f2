/** The rehearsal's side of a worker in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import type { ManagerContext } from '../context.ts';
import { EmbedderError, embedderFailureOf, RegistryError, reasonOf } from '../errors.ts';
import type { RegisteredModel } from '../model/model-spec.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { Answer, Errand, FromWorker, ToWorker } from './messages.ts';

/** A program that calls `runRehearsalWorker` and ends when that resolves. */
export interface WorkerProgram {
  /** A JavaScript file, or a TypeScript file where Node runs those. */
  file: string;
  arguments?: readonly string[] | undefined;
}

/** How a process ended. */
export interface WorkerEnd {
  readonly pid: number;
  /** `killed`: at its step. `done`: before it came there. Else by itself: its exit code, or what it was killed by. */
  readonly how: 'killed' | 'done' | { readonly byItself: string };
}

export interface WorkerProcessOptions {
  readonly program: WorkerProgram;
  readonly errand: Omit<Errand, 'models'>;
  /** Whose embedders answer. */
  readonly context: ManagerContext;
  readonly models: readonly RegisteredModel[];
  readonly signal: AbortSignal | undefined;
  readonly onReady: () => void;
}

/**
 * Starts a worker, lets it embed, and kills it (SIGKILL) when it has come to its step.
 * @throws RegistryError what it failed with, `SPEC_INVALID` where it never was ready to work, or the signal's reason
 */
export async function workUntilKilled(o: WorkerProcessOptions): Promise<WorkerEnd> {
  const embedders = o.models.map((model) => o.context.embedders.get(model).embedder);
  const child = start(o.program);
  let isReady = false;
  let isKilled = false;
  let failure: RegistryError | undefined;
  const ended = Promise.withResolvers<string>();
  const heardAll = Promise.withResolvers<void>();
  const kill = () => void child.kill('SIGKILL');
  // Whoever is gone already needs no answer.
  const say = (message: ToWorker) => void (child.connected && child.send(message, () => {}));
  child.on('error', (error) => ended.reject(error));
  child.on('disconnect', heardAll.resolve);
  child.on('exit', (code, signal) => ended.resolve(String(signal ?? code)));
  child.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') {
      isReady = true;
      o.onReady();
    } else if (message.kind === 'arrived') {
      isKilled = true;
      kill();
    } else if (message.kind === 'failed') failure = new RegistryError(message.code, message.message);
    else
      void answerOf(message, embedders[message.model]!).then((answer) =>
        say({ kind: 'answer', id: message.id, answer }),
      );
  });
  o.signal?.addEventListener('abort', kill, { once: true });
  if (o.signal?.aborted) kill();
  say({ kind: 'work', errand: { ...o.errand, models: embedders.map(remoteOf) } });
  try {
    const how = await ended.promise;
    await heardAll.promise;
    o.signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
    if (!isReady) throw neverReady(o.program, how);
    return {
      pid: child.pid!,
      how: isKilled ? 'killed' : how === '0' ? 'done' : { byItself: how },
    };
  } finally {
    o.signal?.removeEventListener('abort', kill);
  }
}

function start(program: WorkerProgram): ChildProcess {
  return fork(program.file, [...(program.arguments ?? [])], {
    // Vectors travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

function neverReady({ file }: WorkerProgram, how: string): RegistryError {
  return new RegistryError(
    'SPEC_INVALID',
    `The program of the workers, ${file}, ended (${how}) before it was ready; it has to call runRehearsalWorker.`,
    { details: { file } },
  );
}

function remoteOf({ spec, limits, countTokens }: Embedder): Errand['models'][number] {
  return { spec: spec.toJSON(), ...(limits && { limits }), countsTokens: countTokens !== undefined };
}

async function answerOf(
  question: Extract<FromWorker, { readonly id: number }>,
  embedder: Embedder,
): Promise<Answer> {
  try {
    if (question.kind === 'count') return { tokens: await embedder.countTokens!(question.texts) };
    const { texts, purpose, fresh } = question;
    return { vectors: await embedder.embed(texts, { purpose, fresh }) };
  } catch (error) {
    const { message } = reasonOf(error, 'EMBEDDER_FAILED');
    const retryAfterMs = error instanceof EmbedderError ? error.retryAfterMs : undefined;
    return {
      failure: embedderFailureOf(error),
      message,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }
}
