// Answers embeddings after a fixed time. Over its limit it answers 429 and says when to come back.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { witnessTexts } from '@registry/core';
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
const itemOf = (vector: Float32Array) =>
  JSON.stringify({ embedding: Buffer.from(vector.buffer).toString('base64') });
const item = itemOf(vectorOf(after));
// One vector for all texts would be taken for a broken model.
const other = itemOf(vectorOf(after).toReversed());
const answers = new Map<number, Buffer>();
let allowance = 0;
let filledAt: number | undefined;

const server = createServer((request, response) => {
  const startedAt = performance.now();
  let body = '';
  request.setEncoding('utf8').on('data', (part: string) => {
    body += part;
  });
  request.on('end', () => {
    if (!mayPass()) return refuse(response);
    const { input } = JSON.parse(body) as { input: string[] };
    const answer = input.includes(witnessTexts[0]!) ? witnessAnswer(input) : answerTo(input.length);
    // A timer rounds up to the next millisecond.
    const rest = Math.floor(milliseconds - (performance.now() - startedAt));
    setTimeout(() => response.end(answer), rest);
  });
});

function witnessAnswer(texts: readonly string[]): Buffer {
  const items = texts.map((text) => (text === witnessTexts[0] ? other : item));
  return Buffer.from(`{"data":[${items.join()}]}`);
}

/** Made once for each length: the server is to cost time, not work. */
function answerTo(texts: number): Buffer {
  let answer = answers.get(texts);
  if (answer === undefined) {
    answer = Buffer.from(`{"data":[${Array(texts).fill(item).join()}]}`);
    answers.set(texts, answer);
  }
  return answer;
}

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
