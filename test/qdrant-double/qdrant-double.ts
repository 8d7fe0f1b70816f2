import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Collections } from './collections.ts';
import { type Fault, type FaultRule, Faults, type Injected, type When } from './faults.ts';
import { answer, parseBody, readBody, refuse, send } from './http/exchange.ts';
import { stringifyJson } from './http/json.ts';
import { findRoute } from './http/route.ts';
import { ServerError } from './http/server-error.ts';
import { handlers } from './operations.ts';
import type { Point } from './points/collection.ts';
import type { SeenRequest } from './seen-request.ts';
import { isRouted, tooNew, type Version } from './versions.ts';

export interface QdrantDoubleOptions {
  /** Pretends to be this version; 1.18.3 unless told. */
  readonly version?: Version;
  /** Requests must carry it, the one for the version excepted. */
  readonly apiKey?: string;
  /** Larger bodies are refused; 32 MiB unless told. */
  readonly maxRequestBytes?: number;
}

/** A point as it is stored: float32 vectors by name, the unnamed one under `''`. */
export type Peeked = Point;

const defaultMaxRequestBytes = 32 * 2 ** 20;
const KEPT_ALIVE_MS = 75_000;

/**
 * A Qdrant server on loopback that keeps everything in memory: its semantics as its documentation and source
 * state them, none of its indexes. It refuses whatever the types of the installed client do not allow, remembers
 * that, and throws it at the test when it is closed.
 */
export class QdrantDouble {
  readonly url: string;
  /** Every request so far. */
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #options: QdrantDoubleOptions;
  readonly #version: Version;
  readonly #apiKey: string | undefined;
  readonly #maxRequestBytes: number;
  readonly #collections: Collections;
  readonly #faults = new Faults();
  readonly #watchers: ((request: SeenRequest) => void)[] = [];
  #violations: string[] = [];
  #received = 0;

  /** Use `startQdrantDouble`. */
  constructor(server: Server, options: QdrantDoubleOptions, collections = new Collections()) {
    this.#server = server;
    this.#options = options;
    this.#collections = collections;
    this.#version = options.version ?? '1.18.3';
    this.#apiKey = options.apiKey;
    this.#maxRequestBytes = options.maxRequestBytes ?? defaultMaxRequestBytes;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** Lets the requests that a rule names go wrong. */
  inject(rule: FaultRule): Injected {
    return this.#faults.inject(rule);
  }

  /** Calls back after each request, once it has taken effect and before it is answered. */
  watch(run: (request: SeenRequest) => void): void {
    this.#watchers.push(run);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Applies what is queued in every collection, and shows deferred points to reads. */
  optimise(): void {
    for (const collection of this.#collections.all()) {
      collection.settle();
      collection.optimise();
    }
  }

  /** What is stored under the name of a collection or alias, in the order of the ids, without a request. */
  peek(name: string): readonly Peeked[] {
    if (!this.#collections.exists(name)) return [];
    return [...this.#collections.resolve(name).points({ deferred: true })];
  }

  /** Another double in which all of this one's writes have happened; requests and faults stay behind. */
  async copy(): Promise<QdrantDouble> {
    return new QdrantDouble(await listen(), this.#options, this.#collections.copy());
  }

  /** Requests that no client may send, so far; asking for them forgives them. */
  takeViolations(): readonly string[] {
    const taken = this.#violations;
    this.#violations = [];
    return taken;
  }

  /** Stops listening. Throws where a request was not valid. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const violations = this.takeViolations();
    if (violations.length > 0) throw new Error(`requests that no client may send:\n${violations.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (response.destroyed || response.headersSent) return;
      refuse(response, error instanceof ServerError ? error : this.#bug(request, error));
    }
  }

  /** The double itself cannot do what was asked: as loud as a request that is not valid. */
  #bug(request: IncomingMessage, error: unknown): ServerError {
    const text = `${request.method} ${request.url}: ${error instanceof Error ? error.message : String(error)}`;
    this.#violations.push(text);
    return new ServerError(500, `Service internal error: ${text}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, this.#maxRequestBytes);
    const url = new URL(request.url ?? '/', this.url);
    this.#authorize(request, url.pathname);
    const route = findRoute(request.method ?? 'GET', url.pathname);
    if (route === undefined || !isRouted(route.operation.name, this.#version)) {
      throw new ServerError(404, '', { plain: true });
    }
    const { operation, params } = route;
    const sender = request.headers['x-sender'];
    const seen: SeenRequest = {
      number: ++this.#received,
      method: operation.method,
      path: url.pathname,
      operation: operation.name,
      ...(params.collection_name === undefined ? {} : { collection: params.collection_name }),
      ...(typeof sender === 'string' ? { sender } : {}),
      query: Object.fromEntries(url.searchParams),
      body: parseBody(body),
      bodyBytes: body.length,
    };
    this.requests.push(seen);
    const complaint =
      operation.complaint(seen.query, seen.body) ?? tooNew(operation.name, seen.body, this.#version);
    if (complaint !== undefined) this.#complain(seen, complaint);
    await this.#perform(seen, params, response);
  }

  #authorize(request: IncomingMessage, path: string): void {
    if (this.#apiKey === undefined || path === '/') return;
    const given = request.headers['api-key'] ?? request.headers.authorization?.replace(/^Bearer /, '');
    if (given === this.#apiKey) return;
    const text = given
      ? 'Invalid API key or JWT'
      : 'Must provide an API key or an Authorization bearer token';
    throw new ServerError(401, text, { plain: true });
  }

  #complain({ method, path }: SeenRequest, complaint: string): never {
    this.#violations.push(`${method} ${path}: ${complaint}`);
    throw new ServerError(400, `Format error in JSON body: ${complaint}`);
  }

  async #perform(seen: SeenRequest, params: Readonly<Record<string, string>>, response: ServerResponse) {
    const fault = this.#faults.meet(seen);
    if (await this.#strike(fault, 'before', seen, response)) return;
    const outcome = this.#outcome(seen, params, fault);
    for (const watcher of this.#watchers) watcher(seen);
    if (await this.#strike(fault, 'after', seen, response)) return;
    for (const collection of this.#collections.all()) collection.settle(seen.number);
    if (outcome instanceof ServerError) throw outcome;
    const status = fault?.kind === 'accepted' ? 202 : 200;
    // The one answer that is not wrapped.
    if (seen.operation === 'root') send(response, status, stringifyJson(outcome), 'application/json');
    else answer(response, status, outcome);
  }

  #outcome(seen: SeenRequest, params: Readonly<Record<string, string>>, fault: Fault | undefined): unknown {
    const handler = handlers[seen.operation];
    if (handler === undefined) throw new Error(`the double does not know ${seen.operation}`);
    try {
      return handler({
        number: seen.number,
        params,
        query: seen.query,
        body: (seen.body ?? {}) as never,
        collections: this.#collections,
        version: this.#version,
        late: fault?.kind === 'waitTimeout',
        deferred: fault?.kind === 'deferred',
      });
    } catch (error) {
      if (error instanceof ServerError) return error;
      throw error;
    }
  }

  /** Whether the fault answered, so that nothing is left to do. */
  async #strike(fault: Fault | undefined, when: When, seen: SeenRequest, response: ServerResponse) {
    if (fault === undefined || !isTimed(fault) || (fault.when ?? 'before') !== when) return false;
    switch (fault.kind) {
      case 'run':
        await fault.run(seen);
        return false;
      case 'reset':
        response.socket?.resetAndDestroy();
        return true;
      case 'status':
        throw statusError(fault);
    }
  }
}

const timedKinds = ['status', 'reset', 'run'] as const;

type TimedFault = Extract<Fault, { readonly kind: (typeof timedKinds)[number] }>;

function isTimed(fault: Fault): fault is TimedFault {
  return timedKinds.some((kind) => kind === fault.kind);
}

const texts: Readonly<Record<number, string>> = {
  408: "Timeout: Operation 'update' timed out after 60s",
  429: 'Rate limiting exceeded: Write rate limit exceeded, retry later',
  500: 'Service internal error: 1 of 1 replicas failed',
  503: 'Shard temporarily unavailable: The shard 0 is not ready',
  507: 'Quota exceeded: disk usage is over the limit',
};

function statusError({
  status,
  message,
  retryAfterSeconds,
}: Extract<TimedFault, { kind: 'status' }>): ServerError {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return new ServerError(status, message ?? texts[status] ?? 'Bad gateway', { headers });
}

async function listen(): Promise<Server> {
  const server = createServer();
  // As the real one: ended sooner, an idle connection is reset under a client that has just taken it up again.
  server.keepAliveTimeout = KEPT_ALIVE_MS;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Starts a double on a free port of loopback. */
export async function startQdrantDouble(options: QdrantDoubleOptions = {}): Promise<QdrantDouble> {
  return new QdrantDouble(await listen(), options);
}
