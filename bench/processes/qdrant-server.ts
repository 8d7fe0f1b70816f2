// A double of Qdrant in a process of its own, so that its work is not done in the time of those who ask it.
import { startQdrantDouble } from '@registry/qdrant-double';
import { DIMENSION } from '../scene.ts';
import { report } from './child.ts';

export interface QdrantServerAnswer {
  readonly url: string;
  /** Requests since the last answer. */
  readonly requests: number;
  /** Their bodies. */
  readonly bytes: number;
  /** What their vectors take of it, where that was asked for. */
  readonly vectorBytes: number;
  readonly vectors: number;
}

/** Asks for the counts so far, and for what is to be counted from now on. */
export interface QdrantServerQuestion {
  readonly countsVectors: boolean;
}

const double = await startQdrantDouble();
let counts = { requests: 0, bytes: 0, vectorBytes: 0, vectors: 0 };
let countsVectors = false;

double.watch(({ body, bodyBytes }) => {
  counts.requests += 1;
  counts.bytes += bodyBytes;
  if (countsVectors) countVectors(body);
  // Nobody asks for them, and they are large.
  double.requests.length = 0;
});

/** Arrays as long as a vector, wherever they are. */
function countVectors(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) || value.length !== DIMENSION) {
    for (const inner of Object.values(value)) countVectors(inner);
    return;
  }
  counts.vectors += 1;
  counts.vectorBytes += JSON.stringify(value).length;
}

function tell(): void {
  const answer: QdrantServerAnswer = { url: double.url, ...counts };
  counts = { requests: 0, bytes: 0, vectorBytes: 0, vectors: 0 };
  report(answer);
}

process.on('message', (question: QdrantServerQuestion) => {
  countsVectors = question.countsVectors;
  tell();
});
process.on('disconnect', () => process.exit());
tell();
