/** The demo, chapter by chapter. What an interrupted start has done is not done again. */
import { statSync } from 'node:fs';
import type { Demo } from './demo.ts';
import { fill } from './fill.ts';
import { fingerprints } from './fingerprint.ts';
import { type Edited, migrate, switchModel } from './migrate.ts';
import { comeBack, proveEdits, proveRollback, rollBack } from './roll-back.ts';
import { search } from './searches.ts';

/** True where every claim holds. */
export async function play(demo: Demo): Promise<boolean> {
  const { folder, screen, sourceSpec, targetSpec } = demo;
  const [source, target] = [sourceSpec.modelId, targetSpec.modelId];
  screen.title('Embedding Version Registry: a migration to watch');
  if (folder.isResumed)
    screen.say('Going on with the run that was interrupted; --fresh would start anew.', 'yellow');

  const filled = await chapter(demo, 'filled', 'Real texts', () => fill(demo));
  await chapter(demo, 'searched-before', `Search by ${source}`, async () => {
    screen.say(`${source} compares words by their place in the text, so short queries find little in it.`);
    return search(demo, 'before');
  });
  const before = await folder.once('before', () => fingerprints(demo.store));
  const planId = await chapter(demo, 'switched', 'Switch the active model', () => switchModel(demo));
  const plan = await chapter(demo, 'migrated', 'Migrate in the background', () => migrate(demo, planId));
  const edited = folder.note<Edited>('edited')!;
  await chapter(demo, 'proved', 'What the application did meanwhile', () => proveEdits(demo, edited));
  const searched = await chapter(demo, 'searched-after', `Search by ${target}`, () => search(demo, 'after'));
  const back = await chapter(demo, 'rolled-back', 'Roll back', async () => {
    const rolledBack = await rollBack(demo);
    await proveRollback(demo, { edited, before, report: rolledBack.report });
    return rolledBack;
  });
  await chapter(demo, 'came-back', 'What remains, and the way back', () =>
    comeBack(demo, { edited, before, report: back.report }),
  );

  screen.chapter('In figures');
  const migratedSeconds = (Date.parse(plan.completedAt!) - Date.parse(plan.startedAt!)) / 1000;
  figures(demo, [
    [`embedded with ${source} and stored`, `${filled.nodes} nodes`, `${filled.nodesPerSecond}/s`],
    [
      `migrated to ${target}${plan.throttleMs > 0 ? ', throttled' : ''}`,
      `${plan.completedNodes} nodes`,
      `${migratedSeconds.toFixed(1)} s`,
    ],
    ['searched, each query', `${filled.nodes} nodes`, `${searched.millisecondsPerQuery.toFixed(0)} ms`],
    ['rolled back', `${back.report.restored} nodes`, `${back.seconds.toFixed(1)} s`],
    ['file of the nodes', '', megabytes(folder.file('nodes.sqlite'))],
    ['file of the registry, backups included', '', megabytes(folder.file('registry.sqlite'))],
  ]);
  const holds = demo.proofs.conclude();
  screen.say('Both databases lie in the folder .demo until the next start.', 'dim');
  folder.finish();
  return holds;
}

async function chapter<T>(
  { folder, screen, signal }: Demo,
  step: string,
  title: string,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  screen.chapter(title);
  if (folder.note(step) !== undefined) screen.say('done in an earlier start', 'dim');
  return folder.once(step, work);
}

function megabytes(file: string): string {
  return `${(statSync(file).size / 1e6).toFixed(1)} MB`;
}

function figures({ screen }: Demo, rows: readonly (readonly [string, string, string])[]): void {
  for (const [what, count, figure] of rows)
    screen.row([
      [what, 44],
      [count, -12],
      [figure, -12],
    ]);
}
