/**
 * A worker of a rehearsal in a process of its own, which is killed there for real.
 *
 * waiting -- errand --> working -- step --> stopped, until it is killed
 *                       working -- the end of the plan's part --> done
 * From any of them: the rehearsal is gone --> done. Its embedders stay with the rehearsal, which is asked for each
 * vector, so that a text is paid once and no key is needed here.
 */
import { EmbedderError, reasonOf } from '../errors.ts';
import { EmbeddingModelSpec } from '../model/model-spec.ts';
import { openContext } from '../open.ts';
import type { Embedder } from '../ports/embedder.ts';
import { ReEmbeddingWorker } from '../worker/re-embedding-worker.ts';
import { doom } from './doomed-worker.ts';
import type { Answer, Errand, FromWorker, RemoteModel, ToWorker } from './messages.ts';
import type { MakeScratchStore } from './scratch.ts';

/** How a process hears of its parent: `process` of one that was forked. */
export interface ParentChannel {
  send?: ((message: unknown, onSent: () => void) => unknown) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** Its parent, and where the copies are opened. */
export interface RehearsalWorkerOptions {
  channel: ParentChannel;
  /** The same as that of `rehearseMigration`. */
  scratchStore: MakeScratchStore;
}

/**
 * All of the program that `workerProgram` of `rehearseMigration` names. Once it resolves nothing is left to do and
 * the process may end; mostly it is killed before.
 */
export async function runRehearsalWorker({ channel, scratchStore }: RehearsalWorkerOptions): Promise<void> {
  const parent = new Parent(channel);
  try {
    await Promise.race([parent.gone, parent.errand.then((errand) => carryOut(errand, parent, scratchStore))]);
  } catch (error) {
    await parent.say({ kind: 'failed', ...reasonOf(error, 'DATABASE_INVALID') });
  }
}

async function carryOut(errand: Errand, parent: Parent, scratchStore: MakeScratchStore): Promise<void> {
  const { folder, planId, phase, step, dead, models } = errand;
  const scratch = await scratchStore(folder);
  const { context, release } = await openContext({
    dbPath: registryFile(folder),
    nodeStore: scratch.store,
    embedders: models.map((model, index) => remoteEmbedder(model, index, parent)),
    isDead: ({ pid }) => dead.includes(pid),
  });
  const doomed = doom(context, step);
  void doomed.death.then(() => parent.say({ kind: 'arrived' }));
  const worker = new ReEmbeddingWorker(doomed.context);
  await parent.say({ kind: 'ready' });
  await (phase === 'migration' ? worker.runMigration(planId) : worker.rollbackMigration({ planId }));
  await release();
  await scratch.close();
}

/** Where the registry of a rehearsal lies. */
export function registryFile(folder: string): string {
  return `${folder}/registry.sqlite`;
}

class Parent {
  readonly #channel: ParentChannel;
  readonly #errand = Promise.withResolvers<Errand>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  constructor(channel: ParentChannel) {
    this.#channel = channel;
    channel.once('disconnect', this.#gone.resolve);
    channel.on('message', (message) => this.#hear(message as ToWorker));
  }

  get errand(): Promise<Errand> {
    return this.#errand.promise;
  }

  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Resolves once it is on its way, or nobody is there to hear it. */
  async say(message: FromWorker): Promise<void> {
    const sent = Promise.withResolvers<void>();
    this.#channel.send?.(message, sent.resolve);
    await Promise.race([sent.promise, this.gone]);
  }

  async ask(
    question: { kind: 'embed'; purpose: 'document' | 'query'; fresh: boolean } | { kind: 'count' },
    model: number,
    texts: readonly string[],
  ): Promise<Answer> {
    const id = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(id, resolve);
    void this.say({ ...question, id, model, texts });
    const answer = await promise;
    if ('failure' in answer)
      throw new EmbedderError(answer.failure, answer.message, {
        ...(answer.retryAfterMs !== undefined && { retryAfterMs: answer.retryAfterMs }),
      });
    return answer;
  }

  #hear(message: ToWorker): void {
    if (message.kind === 'work') this.#errand.resolve(message.errand);
    else {
      this.#asked.get(message.id)?.(message.answer);
      this.#asked.delete(message.id);
    }
  }
}

function remoteEmbedder(
  { spec, limits, countsTokens }: RemoteModel,
  model: number,
  parent: Parent,
): Embedder {
  return {
    spec: new EmbeddingModelSpec(spec),
    ...(limits && { limits }),
    async embed(texts, { purpose, fresh = false }) {
      const answer = await parent.ask({ kind: 'embed', purpose, fresh }, model, texts);
      return 'vectors' in answer ? answer.vectors : [];
    },
    ...(countsTokens && {
      async countTokens(texts: readonly string[]) {
        const answer = await parent.ask({ kind: 'count' }, model, texts);
        return 'tokens' in answer ? answer.tokens : { tokens: [], exact: false };
      },
    }),
  };
}
