/**
 * A migration to watch: real texts are embedded with one model, re-embedded with another in the background
 * while an application goes on working, and rolled back byte for byte. Every ✓ is computed.
 */
import { hostname } from 'node:os';
import { EmbeddingVersionManager, isRegistryError } from '@registry/core';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import type { Demo } from './demo.ts';
import { HoldableStore } from './holdable-store.ts';
import { Interrupted, interruption } from './interruption.ts';
import { type Arguments, type DemoOptions, help, readArguments } from './options.ts';
import { Proofs } from './proofs.ts';
import { isAlive, RunFolder } from './run-folder.ts';
import { Screen } from './screen.ts';
import { play } from './story.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  const screen = new Screen();
  try {
    const args = readArguments(process.argv.slice(2));
    if (args.wantsHelp) process.stdout.write(help);
    return args.wantsHelp || (await run(args, screen)) ? 0 : 1;
  } catch (error) {
    screen.endProgress();
    if (error instanceof Interrupted) {
      screen.say(
        'Stopped. Nothing is lost: the same command goes on from here, --fresh starts anew.',
        'yellow',
      );
      return 130;
    }
    process.stderr.write(`\n${isSaid(error) ? error.message : (error as Error).stack}\n`);
    return 1;
  }
}

/** Errors whose message is for people; of all others the stack is wanted. */
function isSaid(error: unknown): error is Error {
  const code = String((error as NodeJS.ErrnoException | null)?.code);
  return (
    isRegistryError(error) ||
    code.startsWith('ERR_PARSE_ARGS') ||
    Object.getPrototypeOf(error) === Error.prototype
  );
}

/** True where every claim holds. */
async function run(args: Arguments, screen: Screen): Promise<boolean> {
  const folder = RunFolder.open(args.isFresh);
  const [source, target] = [binaryHdv(), hashedNgram()];
  try {
    const settings = await settingsOf(args, folder);
    await using store = await SqliteNodeStore.open({
      path: folder.file('nodes.sqlite'),
      models: [source.spec, target.spec],
    });
    const holdable = new HoldableStore(store);
    await using manager = await EmbeddingVersionManager.open({
      dbPath: folder.file('registry.sqlite'),
      nodeStore: holdable.nodeStore,
      embedders: [source, target],
      // A worker that was killed on this machine is known to be dead: what it had in hand is taken over at once.
      isDead: ({ host, pid }) => host === hostname() && !isAlive(pid),
    });
    using signal = interruption(screen);
    const demo: Demo = {
      manager,
      store,
      holdable,
      sourceSpec: source.spec,
      targetSpec: target.spec,
      target: target.spec.info,
      settings,
      folder,
      screen,
      proofs: new Proofs(screen, folder),
      signal: signal.signal,
    };
    return await play(demo);
  } finally {
    folder.close();
  }
}

/** A run that is gone on with keeps what it was started with. */
async function settingsOf({ given, ...args }: Arguments, folder: RunFolder): Promise<DemoOptions> {
  const { folder: path, queries, limit, throttleMs } = args;
  const settings = await folder.once('settings', async () => ({ folder: path, queries, limit, throttleMs }));
  const agrees = JSON.stringify({ ...settings, ...given }) === JSON.stringify(settings);
  if (agrees) return settings;
  throw new Error(
    'An unfinished run with other options lies in .demo. Go on with it by the command without options, or start anew with --fresh.',
  );
}
