/**
 * A process of its own that runs a model for its parent. Not a worker thread: onnxruntime takes the whole process
 * down when a thread, or the process around it, ends while it computes.
 */
import { LoadedModel } from './loaded-model.ts';
import { type Failure, ModelFailure, type ModelSettings, type Reply, type Request } from './messages.ts';

let settings: ModelSettings | undefined;
let loading: Promise<LoadedModel> | undefined;
/** Requests are answered one after the other. */
let last: Promise<void> = Promise.resolve();
/** Requests that somebody still waits for. */
const wanted = new Set<number>();

/** A model that could not be loaded is tried again at the next request. */
async function model(): Promise<LoadedModel> {
  loading ??= LoadedModel.load(settings!);
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

async function answer(request: Request & { readonly kind: 'embed' | 'count' }): Promise<void> {
  const { id, kind, texts } = request;
  let textIndex = 0;
  try {
    const loaded = await model();
    if (kind === 'count') return send({ id, tokens: texts.map((text) => loaded.count(text)) });
    const vectors: Float32Array[] = [];
    for (; textIndex < texts.length && wanted.has(id); textIndex++)
      vectors.push(await loaded.embed(texts[textIndex]!));
    if (wanted.has(id)) send({ id, vectors });
  } catch (error) {
    send({ id, failure: failureOf(error, textIndex) });
  } finally {
    wanted.delete(id);
  }
}

function failureOf(error: unknown, textIndex: number): Failure {
  if (!(error instanceof ModelFailure))
    return { kind: 'transient', message: `The process of the model failed: ${String(error)}` };
  const { kind, message } = error;
  return { kind, message, ...(kind === 'refused' && { textIndex }) };
}

function send(reply: Reply): void {
  process.send?.(reply);
}

process.on('message', (request: Request) => {
  if (request.kind === 'load') settings = request.settings;
  else if (request.kind === 'cancel') wanted.delete(request.id);
  else {
    wanted.add(request.id);
    last = last.then(() => answer(request));
  }
});
// The parent is gone, and with it everybody who asks.
process.on('disconnect', () => process.exit());
