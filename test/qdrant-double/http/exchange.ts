import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson, stringifyJson } from './json.ts';
import { ServerError } from './server-error.ts';

/** The whole body; one larger than the server takes is 400, not 413. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  if (bytes <= maxBytes) return Buffer.concat(chunks);
  throw new ServerError(
    400,
    `Payload error: JSON payload (${bytes} bytes) is larger than allowed (limit: ${maxBytes} bytes).`,
  );
}

export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return parseJson(body.toString());
  } catch (error) {
    throw new ServerError(400, `Format error in JSON body: ${(error as Error).message}`);
  }
}

const answerSeconds = 0.000_1;

export function answer(response: ServerResponse, status: number, result: unknown): void {
  const body = { result, status: 'ok', time: answerSeconds };
  send(response, status, stringifyJson(body), 'application/json');
}

export function refuse(response: ServerResponse, { status, message, headers, plain }: ServerError): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const body = JSON.stringify({ status: { error: message }, time: answerSeconds, result: null });
  send(response, status, plain ? message : body, plain ? 'text/plain' : 'application/json');
}

export function send(response: ServerResponse, status: number, text: string, type: string): void {
  response.writeHead(status, { 'content-type': type });
  response.end(text);
}
