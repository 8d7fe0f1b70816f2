/** What can be said on the command line. */
import { existsSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const help = `Usage: pnpm demo [options]

  --path <folder>   Markdown files to read (default: those of what is installed)
  --query <text>    what to search for; may be given several times
  --limit <nodes>   nodes at most (default: 4000)
  --throttle <ms>   rest of each lane after a batch (default: 400); 0: full speed
  --fresh           forget an unfinished run and start anew
  --help            this text

Ctrl-C stops cleanly; the same command goes on from there. What the demo stores
lies in the folder .demo.
`;

export interface DemoOptions {
  /** Absolute. */
  readonly folder: string;
  readonly queries: readonly string[];
  readonly limit: number;
  readonly throttleMs: number;
}

export interface Arguments extends DemoOptions {
  readonly isFresh: boolean;
  readonly wantsHelp: boolean;
  /** What was said, and has to agree with the run that is gone on with. */
  readonly given: Partial<DemoOptions>;
}

const defaultQueries = [
  'parse command line arguments',
  'source maps of generated code',
  'match file names with a glob pattern',
];
/** Fewer leave nothing to compare once some are edited and deleted. */
const FEWEST_NODES = 40;

export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      path: { type: 'string' },
      query: { type: 'string', multiple: true },
      limit: { type: 'string' },
      throttle: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const given: Partial<DemoOptions> = {
    ...(values.path !== undefined && { folder: folderAt(values.path) }),
    ...(values.query !== undefined && { queries: values.query }),
    ...(values.limit !== undefined && { limit: wholeNumber('--limit', values.limit, FEWEST_NODES, 1e6) }),
    ...(values.throttle !== undefined && { throttleMs: wholeNumber('--throttle', values.throttle, 0, 1e5) }),
  };
  const defaults = { folder: installedPackages(), queries: defaultQueries, limit: 4_000, throttleMs: 400 };
  return { ...defaults, ...given, given, isFresh: values.fresh, wantsHelp: values.help };
}

function folderAt(path: string): string {
  const folder = resolve(path);
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new Error(`--path ${path}: there is no such folder.`);
  return folder;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} ${text}: give a whole number from ${least} to ${most}.`);
}

/** Real text that every machine has: pnpm keeps each installed package once below `.pnpm`. */
function installedPackages(): string {
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  const store = resolve(modules, '.pnpm');
  return existsSync(store) ? store : modules;
}

/** A folder as people know it: relative where it lies below the current one. */
export function shownFolder(folder: string): string {
  const path = relative('.', folder);
  return path === '' ? '.' : path.startsWith('..') ? folder : path;
}
