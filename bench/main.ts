// node bench/main.ts [--full] [--only name,name] [--rounds n] [--out file] [--folder path]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { growth } from './benchmarks/growth.ts';
import { planCreation } from './benchmarks/plan-creation.ts';
import { qdrant } from './benchmarks/qdrant.ts';
import { reEmbedding } from './benchmarks/re-embedding.ts';
import { reading } from './benchmarks/reading.ts';
import { rateLimit, saturation } from './benchmarks/saturation.ts';
import { search } from './benchmarks/search.ts';
import { seeing } from './benchmarks/seeing.ts';
import { transitions } from './benchmarks/transitions.ts';
import { describeMachine } from './machine.ts';
import { type Report, render } from './report.ts';
import { inFolder } from './scene.ts';

const benchmarks: Readonly<Record<string, Benchmark>> = {
  'plan-creation': planCreation,
  're-embedding': reEmbedding,
  growth,
  saturation,
  'rate-limit': rateLimit,
  seeing,
  transitions,
  reading,
  search,
  qdrant,
};

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rounds = Number(options.rounds ?? (options.full ? 5 : 3));
const names = options.only?.split(',') ?? Object.keys(benchmarks);
const unknown = names.filter((name) => benchmarks[name] === undefined);
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`--only takes ${Object.keys(benchmarks).join(', ')}; --rounds an integer from 1 up.`);
  process.exit(2);
}

const reports: Report[] = [];
const root = mkdtempSync(join(options.folder, 'bench-'));
try {
  const machine = describeMachine(root);
  console.log(
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB, ${machine.system}\nNode ${machine.node}, SQLite ${machine.sqlite}, sync ${machine.syncMilliseconds.toFixed(2)} ms, medians of ${rounds} rounds\n`,
  );
  for (const name of names) {
    const startedAt = performance.now();
    const report = await inFolder(root, (folder) =>
      benchmarks[name]!({ folder, isFull: options.full, rounds }),
    );
    reports.push(report);
    console.log(`${render(report)}\n  ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
  }
  write({ at: new Date().toISOString(), isFull: options.full, rounds, machine, reports });
} finally {
  rmSync(root, { recursive: true, force: true });
}
const missed = reports.flatMap(({ verdicts }) => verdicts).filter(({ isMet }) => !isMet);
console.log(missed.length === 0 ? 'All targets are met.' : `${missed.length} targets are missed.`);

function write(result: object): void {
  const results = fileURLToPath(new URL('results', import.meta.url));
  const path = options.out ?? join(results, options.full ? 'full.json' : 'small.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
}
