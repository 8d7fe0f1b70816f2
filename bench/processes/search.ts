// Searches a store that others may be writing, as often as it can, and says how long each search took.
import { after, before, openStore, vectorOf } from '../scene.ts';
import { jobOf, report } from './child.ts';

export interface SearchJob {
  readonly store: string;
}

export interface SearchOrder {
  readonly seconds: number;
}

export interface SearchAnswer {
  readonly milliseconds: readonly number[];
}

const K = 10;
const store = await openStore(jobOf<SearchJob>().store);
const query = vectorOf(before);

/** Both models are asked, so that every node is looked at wherever the migration stands. */
async function search(): Promise<number> {
  const startedAt = performance.now();
  for (const { info } of [before, after]) await store.search(query, { at: info, k: K });
  return performance.now() - startedAt;
}

process.on('message', async ({ seconds }: SearchOrder) => {
  const milliseconds: number[] = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) milliseconds.push(await search());
  const answer: SearchAnswer = { milliseconds };
  report(answer);
});
for (let round = 0; round < 20; round++) await search();
report({});
