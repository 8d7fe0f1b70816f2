/**
 * A switch of models that one can trust, in one run on real texts: doctor, estimate, rehearsal, gate, migration
 * at a share of its time, cutover, translated cut-off, report, and the proof that all of it goes back. Every ✓ is
 * computed.
 *
 * node examples/safe-switch/main.ts [folder with Markdown files] [nodes at most]
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddingVersionManager } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { Screen } from '@registry/example-demo/screen';
import { SqliteNodeStore } from '@registry/node-memory';
import { play } from './story.ts';

class Interrupted extends Error {}

const screen = new Screen();
const folder = mkdtempSync(join(tmpdir(), 'safe-switch-'));
process.exitCode = await main().finally(() => rmSync(folder, { recursive: true, force: true }));

async function main(): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Interrupted());
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const [old, target] = [hashedNgram({ dimension: 512 }), hashedNgram({ dimension: 1_024 })];
  try {
    await using store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
    await using manager = await EmbeddingVersionManager.open({
      dbPath: join(folder, 'registry.sqlite'),
      nodeStore: store,
      embedders: [old, target],
    });
    const [texts = installedPackages(), limit = '400'] = process.argv.slice(2);
    const report = resolve('safe-switch.html');
    const stage = { manager, store, old, target, screen, report, signal: stop.signal };
    return (await play(stage, resolve(texts), Number(limit))) ? 0 : 1;
  } catch (error) {
    screen.endProgress();
    if (!(error instanceof Interrupted) && !stop.signal.aborted) throw error;
    screen.say('Stopped. What it had stored is removed.', 'yellow');
    return 130;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Real text that every machine has: pnpm keeps each installed package once below `.pnpm`. */
function installedPackages(): string {
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  return existsSync(join(modules, '.pnpm')) ? join(modules, '.pnpm') : modules;
}
