import { ModelFailure, type ModelSettings } from './messages.ts';

/** The part of `Tensor` that is used. */
interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
  slice(...ranges: (number | readonly [number, number] | null)[]): Tensor;
  normalize(power: number, dimension: number): Tensor;
}

/** A tensor of one row for each of `input_ids`, `attention_mask` and the like. */
type Inputs = Readonly<Record<string, Tensor>> & {
  readonly input_ids: Tensor;
  readonly attention_mask: Tensor;
};

/** What the library computes with tensors. */
interface Operations {
  readonly mean_pooling: (hidden: Tensor, mask: Tensor) => Tensor;
  readonly cat: (tensors: Tensor[], dimension: number) => Tensor;
}

interface Tokenizer {
  readonly model_max_length: number;
  (text: string): Inputs;
  encode(text: string, options?: { add_special_tokens: boolean }): readonly number[];
}

interface Model {
  readonly config: { readonly max_position_embeddings?: unknown };
  (inputs: Inputs): Promise<Readonly<Record<string, Tensor | undefined>>>;
}

/**
 * A model in this process. It sees one text at a time: in a batch, padding and the scales of quantized types would
 * make a text's vector depend on its neighbours.
 */
export class LoadedModel {
  readonly #tokenizer: Tokenizer;
  readonly #model: Model;
  readonly #operations: Operations;
  readonly #settings: ModelSettings;
  readonly #maxTokens: number;

  private constructor(tokenizer: Tokenizer, model: Model, operations: Operations, settings: ModelSettings) {
    this.#tokenizer = tokenizer;
    this.#model = model;
    this.#operations = operations;
    this.#settings = settings;
    const positions = model.config.max_position_embeddings;
    this.#maxTokens = Math.min(
      settings.maxTokens ?? Number.POSITIVE_INFINITY,
      tokenizer.model_max_length,
      typeof positions === 'number' ? positions : Number.POSITIVE_INFINITY,
    );
  }

  /** @throws ModelFailure `fatal`, or `transient` where the hub did not answer */
  static async load(settings: ModelSettings): Promise<LoadedModel> {
    try {
      const library = await import('@huggingface/transformers');
      configure(library.env, settings);
      const { name, revision, dtype, device, threads } = settings;
      const version = revision === undefined ? {} : { revision };
      const tokenizer = await library.AutoTokenizer.from_pretrained(name, version);
      const model = await library.AutoModel.from_pretrained(name, {
        ...version,
        dtype: dtype as 'fp32',
        device: device as 'cpu',
        session_options: { logSeverityLevel: 4, ...(threads && { intraOpNumThreads: threads }) },
      });
      return new LoadedModel(
        tokenizer as unknown as Tokenizer,
        model as unknown as Model,
        library as unknown as Operations,
        settings,
      );
    } catch (error) {
      throw loadingFailure(error, settings);
    }
  }

  /** Tokens as the model is to see them: a text that is cut has no more than it takes. */
  count(text: string): number {
    const tokens = this.#tokenizer.encode(text).length;
    return this.#settings.truncate ? Math.min(tokens, this.#maxTokens) : tokens;
  }

  /** @throws ModelFailure `refused`; `fatal` for a model that is not for embeddings */
  async embed(text: string): Promise<Float32Array> {
    const { truncate, normalize } = this.#settings;
    const whole = this.#tokenizer(text);
    const tokens = whole.input_ids.dims[1]!;
    const isTooLong = tokens > this.#maxTokens;
    if (isTooLong && !truncate)
      throw new ModelFailure(
        'refused',
        `A text has ${tokens} tokens, the model takes ${this.#maxTokens}; shorten or split it, or set truncate.`,
      );
    const inputs = isTooLong ? this.#cut(whole, text) : whole;
    const pooled = this.#pool(await this.#run(inputs), inputs);
    return Float32Array.from((normalize ? pooled.normalize(2, -1) : pooled).data);
  }

  async #run(inputs: Inputs): Promise<Tensor> {
    let outputs: Awaited<ReturnType<Model>>;
    try {
      outputs = await this.#model(inputs);
    } catch {
      // What the runtime says may hold the text.
      throw new ModelFailure('refused', `The model failed at a text of ${inputs.input_ids.dims[1]} tokens.`);
    }
    const hidden = outputs.last_hidden_state ?? outputs.token_embeddings;
    if (hidden !== undefined) return hidden;
    throw new ModelFailure('fatal', 'The model makes no embeddings of tokens; choose another one.');
  }

  /**
   * Cut texts keep the tokens that mark the end, as in Python's transformers: the library's own truncation drops
   * them, and vectors of the same model made elsewhere would differ.
   */
  #cut(inputs: Inputs, text: string): Inputs {
    const all = this.#tokenizer.encode(text);
    const bare = this.#tokenizer.encode(text, { add_special_tokens: false });
    const atStart = bare.length === 0 ? all.length : all.indexOf(bare[0]!);
    const atEnd = all.length - bare.length - atStart;
    const cut = (tensor: Tensor) => {
      const head = tensor.slice(null, [0, this.#maxTokens - atEnd]);
      if (atEnd === 0) return head;
      return this.#operations.cat([head, tensor.slice(null, [all.length - atEnd, all.length])], 1);
    };
    return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, cut(tensor)])) as Inputs;
  }

  #pool(hidden: Tensor, { attention_mask }: Inputs): Tensor {
    const { pooling } = this.#settings;
    if (pooling === 'mean') return this.#operations.mean_pooling(hidden, attention_mask);
    return hidden.slice(null, pooling === 'cls' ? 0 : -1);
  }
}

interface LibraryEnvironment {
  allowLocalModels: boolean;
  allowRemoteModels: boolean;
  remoteHost: string;
  cacheDir: string | null;
  logLevel: number;
}

function configure(env: LibraryEnvironment, { isLocal, host, cacheDir }: ModelSettings): void {
  env.logLevel = 50; // None.
  env.allowLocalModels = isLocal;
  env.allowRemoteModels = !isLocal;
  if (host !== undefined) env.remoteHost = host;
  if (cacheDir !== undefined) env.cacheDir = cacheDir;
}

function loadingFailure(error: unknown, { name, dtype, isLocal }: ModelSettings): ModelFailure {
  const said = error instanceof Error ? error.message : String(error);
  if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND')
    return new ModelFailure(
      'fatal',
      'The package @huggingface/transformers is not installed; install it beside this one.',
    );
  const isPassing =
    /fetch failed|terminated|time-?out|service unavailable|gateway|internal server error|\b(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE)/i;
  if (!isLocal && isPassing.test(said))
    return new ModelFailure('transient', `The model ${name} could not be fetched: ${said}`);
  return new ModelFailure('fatal', `The model ${name} could not be loaded as ${dtype}: ${said}`);
}
