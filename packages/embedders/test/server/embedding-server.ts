import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EmbeddingModelSpec } from '@registry/core';
import { expectedVector } from '@registry/core/testing';

export const serverDimension = 24;

/** What the server was asked. */
export interface Asked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly input: readonly string[];
    readonly encoding_format?: string;
    readonly [key: string]: unknown;
  };
}

/** Answers in place of the server; true where it did. */
export type Reply = (response: ServerResponse, asked: Asked) => boolean | Promise<boolean>;

export interface EmbeddingServer {
  readonly baseURL: string;
  readonly asked: readonly Asked[];
  /** May be changed between requests. */
  reply: Reply | undefined;
  close(): Promise<void>;
}

/** What the server's model makes of a text. */
export function serverVector(text: string, dimension = serverDimension): Float32Array {
  const spec = new EmbeddingModelSpec({ modelId: 'served', version: 1, dimension, checksum: 'served' });
  return expectedVector(spec, text) as Float32Array;
}

/** A real server on loopback that speaks the protocol of OpenAI's `/v1/embeddings`. */
export async function embeddingServer(reply?: Reply): Promise<EmbeddingServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = await request.toArray();
    const one: Asked = {
      url: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(Buffer.concat(parts).toString()),
    };
    asked.push(one);
    if (await self.reply?.(response, one)) return;
    sendJson(response, 200, answerTo(one));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const self: EmbeddingServer = {
    baseURL: `http://127.0.0.1:${port}/v1`,
    asked,
    reply,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return self;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): true {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
  return true;
}

export function answerTo({ body }: Asked) {
  const dimension = typeof body.dimensions === 'number' ? body.dimensions : serverDimension;
  const inputs = typeof body.input === 'string' ? [body.input as string] : body.input;
  return {
    object: 'list',
    model: body.model,
    data: inputs.map((text, index) => {
      const vector = serverVector(text, dimension);
      const embedding =
        body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { object: 'embedding', index, embedding };
    }),
    usage: { prompt_tokens: 1, total_tokens: 1 },
  };
}
