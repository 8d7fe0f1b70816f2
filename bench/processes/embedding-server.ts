// Answers embeddings after a fixed time. Over its limit it answers 429 and says when to come back.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, vectorOf } from '../scene.ts';
import { jobOf, report } from './child.ts';

export interface ServerJob {
  readonly milliseconds: number;
  /** Requests per second. What is not used is kept for a second; nothing is there at the start. */
  readonly requestsPerSecond?: number;
}

export interface ServerAnswer {
  readonly port: number;
}

const { milliseconds, requestsPerSecond = Number.POSITIVE_INFINITY } = jobOf<ServerJob>();
const embedding = Buffer.from(vectorOf(after).buffer).toString('base64');
let allowance = 0;
let filledAt: number | undefined;

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => {
    body += part;
  });
  request.on('end', () => {
    if (!mayPass()) return refuse(response);
    const { input } = JSON.parse(body) as { input: string[] };
    const answer = JSON.stringify({ data: input.map((_, index) => ({ index, embedding })) });
    setTimeout(() => response.setHeader('content-type', 'application/json').end(answer), milliseconds);
  });
});

function mayPass(): boolean {
  if (requestsPerSecond === Number.POSITIVE_INFINITY) return true;
  const now = performance.now();
  // Before the first request nothing is saved up.
  const seconds = (now - (filledAt ?? now)) / 1000;
  allowance = Math.min(requestsPerSecond, allowance + seconds * requestsPerSecond);
  filledAt = now;
  if (allowance < 1) return false;
  allowance -= 1;
  return true;
}

/** Whole seconds, as the header has them. */
function refuse(response: ServerResponse): void {
  const seconds = Math.ceil((1 - allowance) / requestsPerSecond);
  response.writeHead(429, { 'retry-after': String(seconds) }).end();
}

server.listen(0, '127.0.0.1');
await once(server, 'listening');
const answer: ServerAnswer = { port: (server.address() as AddressInfo).port };
report(answer);
process.on('disconnect', () => process.exit());
