// Texts per second of the embedders that need no service, on the READMEs of what is installed.
// node bench/embedders.ts [rounds]
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { readmeSections } from './readme-sections.ts';

const rounds = Number(process.argv[2] ?? 7);
const texts = readmeSections();
const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
const makers = [
  () => binaryHdv(),
  () => binaryHdv({ dimension: 1024 }),
  () => hashedNgram(),
  () => hashedNgram({ dimension: 2048 }),
];

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function measure(make: (typeof makers)[number]) {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const embedder = make();
    // Cold: every word is new to the embedder. Warm: it has met them in the run before.
    for (const seconds of [cold, warm]) {
      const startedAt = performance.now();
      await embedder.embed(texts, { purpose: 'document' });
      seconds.push((performance.now() - startedAt) / 1000);
    }
  }
  return {
    model: make().spec.modelId,
    'texts/s cold': Math.round(texts.length / median(cold)),
    'texts/s warm': Math.round(texts.length / median(warm)),
    'MB/s cold': Number((megabytes / median(cold)).toFixed(2)),
    'MB/s warm': Number((megabytes / median(warm)).toFixed(2)),
  };
}

console.log(`${texts.length} sections, ${megabytes.toFixed(2)} MB, median of ${rounds} rounds`);
const rows = [];
for (const make of makers) rows.push(await measure(make));
console.table(rows);
