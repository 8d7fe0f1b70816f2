/** What the extension keeps going in the extension host: timers, child processes, open files. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const OURS = /[\\/]dist[\\/]extension\.cjs/;
/** Timers that run, with the lines of code that made them. */
const timers = new Map<unknown, string>();

type Make = (callback: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => unknown;

/** Notes the timers that the code of the extension makes from here on. */
export function watchTimers(): void {
  const all = globalThis as unknown as Record<string, Make>;
  for (const [make, clear] of [
    ['setTimeout', 'clearTimeout'],
    ['setInterval', 'clearInterval'],
  ] as const) {
    const [making, clearing] = [all[make]!, all[clear] as unknown as (timer: unknown) => void];
    const made: Make = (callback, ms, ...values) => {
      const stack = new Error('made here').stack ?? '';
      const run = (...given: unknown[]) => {
        if (make === 'setTimeout') timers.delete(timer);
        callback(...given);
      };
      const timer = making(run, ms, ...values);
      if (OURS.test(stack)) timers.set(timer, `${make} ${stack}`);
      return timer;
    };
    all[make] = Object.assign(made, making);
    all[clear] = ((timer: unknown) => {
      timers.delete(timer);
      clearing(timer);
    }) as unknown as Make;
  }
}

/** Processes and files are known on Linux alone. */
export interface Held {
  readonly timers: readonly string[];
  /** Programs of the extension that run as children of this process. */
  readonly programs: readonly string[];
  /** Below the folder that was asked about. */
  readonly files: readonly string[];
}

export function held(folder: string): Held {
  const isLinux = process.platform === 'linux';
  return {
    timers: [...timers.values()],
    programs: isLinux ? programs() : [],
    files: isLinux ? openFiles(folder) : [],
  };
}

function programs(): string[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(/\s+/);
  return children.flatMap((pid) => {
    const program = /[\\/](registry-process\.cjs|evr\.mjs)/.exec(
      ifThere(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
    );
    return program === null ? [] : [program[1]!];
  });
}

function openFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((descriptor) => ifThere(() => readlinkSync(`/proc/self/fd/${descriptor}`)))
    .filter((path) => path.startsWith(folder));
}

/** What is gone since it was listed says nothing. */
function ifThere(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}
