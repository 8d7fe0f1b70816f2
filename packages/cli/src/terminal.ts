/**
 * The one file that touches the process: what it was called with, where it prints, how it is stopped and how
 * it ends. Loaded before the runtime is known to be new enough, so it imports nothing of the packages.
 */
import { extname, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** How a command ended. 2: wrong use, or nothing was started. 3: stopped on purpose, to be gone on with. */
export type ExitCode = 0 | 1 | 2 | 3;

/** What an aborted call throws after Ctrl-C, SIGTERM or the end of the parent. */
export class Stopped extends Error {
  constructor(cause: string) {
    super(`Stopped by ${cause}.`);
    this.name = 'Stopped';
  }
}

/** What this program is called with to be a worker of a rehearsal. */
export const rehearsalWorker = 'rehearsal-worker';

const startFolder = process.cwd();
const stopping = new AbortController();
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What is said before the process is gone: a progress line must not stay on the screen. */
let onStop: ((hasMore: boolean) => void) | undefined;
let isStoppable = false;
let isSilent = false;
let outlivesReader = false;

function stop(cause: string): void {
  const isFirst = !stopping.signal.aborted;
  if (!(isSilent && isFirst)) onStop?.(isFirst && isStoppable);
  if (!isFirst || !isStoppable) process.exit(3);
  stopping.abort(new Stopped(cause));
}

/**
 * Without this, `evr list | head -1` ends with the stack of a broken pipe. What only looks is stopped, where it can
 * be; else it comes to its end and its exit code, as whatever changes something does.
 */
function onBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  if (!outlivesReader) stopping.abort(new Stopped('the end of its reader'));
}
// From the beginning: help and wrong use are piped too.
for (const stream of [process.stdout, process.stderr]) stream.on('error', onBrokenPipe);

/** The process as the rest of this package sees it. */
export const terminal = {
  arguments: process.argv.slice(2),
  environment: process.env,
  versions: process.versions,
  /** The file of this program, beside which its parts lie, bundled or not. */
  program: fileURLToPath(new URL(`evr${extname(import.meta.url)}`, import.meta.url)),
  /** Of a program that this one has started to work for it. */
  parent: process,
  pid: process.pid,
  /** Undefined on Windows. */
  userId: process.getuid?.(),
  /** This Node runs TypeScript by itself. */
  runsTypeScript: Boolean((process.features as { typescript?: unknown }).typescript),

  /** Prompts and progress need both; results may be piped all the same. */
  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  },
  get printsToScreen(): boolean {
    return process.stdout.isTTY === true;
  },
  get notesToScreen(): boolean {
    return process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  },
  get hasColor(): boolean {
    return process.stdout.isTTY === true && process.env.TERM !== 'dumb' && !process.env.NO_COLOR;
  },
  /** Columns of the screen; undefined where output goes to a file or pipe. */
  get columns(): number | undefined {
    return process.stdout.isTTY ? process.stdout.columns || 80 : undefined;
  },
  get noteColumns(): number {
    return process.stderr.columns || 80;
  },

  print: (text: string): void => void process.stdout.write(text),
  note: (text: string): void => void process.stderr.write(text),
  get promptStreams(): { readonly input: Readable; readonly output: Writable } {
    return { input: process.stdin, output: process.stderr };
  },

  /** A path as it was written, whatever folder was entered since. */
  resolvePath: (written: string): string => resolve(startFolder, written),
  startFolder,
  enter: (folder: string): void => process.chdir(folder),

  /** Hears signals from now on. `before` is called before anything else happens about one. */
  listen(before: (hasMore: boolean) => void): void {
    onStop = before;
    for (const name of stopSignals) process.on(name, () => stop(name));
  },
  /** Aborts at the first Ctrl-C, SIGTERM or SIGHUP; the second ends the process. Without it the first does. */
  stopSignal(): AbortSignal {
    isStoppable = true;
    return stopping.signal;
  },
  /** As `stopSignal`, for what has nothing in hand: the first signal is not remarked on. */
  leaveSignal(): AbortSignal {
    isSilent = true;
    return this.stopSignal();
  },
  /** A Ctrl-C that a prompt has read as a key. */
  stop,
  /** Stops when whoever holds the other end of standard input is gone. */
  stopWithParent(): void {
    process.stdin.on('end', () => stop('the end of standard input'));
    process.stdin.on('error', () => stop('the end of standard input'));
    process.stdin.resume();
  },
  /** What changes something goes on where nobody reads what it prints any more. */
  outliveReader(): void {
    outlivesReader = true;
  },

  /** Certain only of processes of this machine; 0 asks without sending anything. */
  isProcessGone(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  },

  /** Ends the process once everything is printed, whatever a user's store or embedder keeps open. */
  leave(code: ExitCode): void {
    process.exitCode = code;
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
  },
};
