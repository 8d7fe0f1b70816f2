import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { childEnvironment, runtimePath } from '../host-process.ts';

/** A line that `evr --json` prints while it is at work. */
export interface CommandEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Its last line. */
export interface CommandResult {
  readonly event: 'result';
  readonly exitCode: number;
  readonly data?: unknown;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** What `evr` refused or failed at. */
export class CommandFault extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(o: { code: string; message: string; details?: Readonly<Record<string, unknown>> | undefined }) {
    super(o.message);
    this.name = 'CommandFault';
    this.code = o.code;
    this.details = o.details ?? {};
  }
}

/** What is to be run: `evr` with parameters, in a folder. */
export interface Invocation {
  /** The program `evr`. */
  readonly program: string;
  /** Of the runtime itself. */
  readonly runtimeParameters: readonly string[];
  readonly parameters: readonly string[];
  readonly folder: string;
  /** Variables beside those of the editor: keys of the user's services, and where packages are. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface CommandOptions extends Invocation {
  readonly onEvent?: (event: CommandEvent) => void;
  /** What it says beside its results. */
  readonly onOutput?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface RunningCommand {
  /** What it found. @throws CommandFault */
  readonly result: Promise<unknown>;
}

/** Runs the command line as a child, with the editor's own runtime. An abort asks it to stop cleanly. */
export function runCommand(o: CommandOptions): RunningCommand {
  // Stopped while it was made ready: what was called off must not be carried out.
  if (o.signal?.aborted) return { result: Promise.reject(stopped()) };
  const child = spawn(runtimePath, [...o.runtimeParameters, o.program, ...o.parameters], {
    cwd: o.folder,
    env: { ...childEnvironment(), ...o.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => void child.kill('SIGTERM');
  o.signal?.addEventListener('abort', stop, { once: true });
  const result = resultOf(child, o).finally(() => o.signal?.removeEventListener('abort', stop));
  return { result };
}

/** V8 would let young objects of a worker grow to 128 MB, of which it needs a tenth to work as fast. */
const lean = '--max-semi-space-size=16';

/** Starts a command that outlives the editor, and says what it has to say into a file. Answers its process. */
export function startDetached(
  o: Invocation,
  logFile: string,
  { onExit, onNotStarted }: { onExit: () => void; onNotStarted: (error: Error) => void },
): number | undefined {
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(runtimePath, [lean, ...o.runtimeParameters, o.program, ...o.parameters], {
      cwd: o.folder,
      env: { ...childEnvironment(), ...o.variables },
      stdio: ['ignore', log, log],
      detached: true,
    });
    child.unref();
    child.once('exit', onExit);
    child.once('error', onNotStarted);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

const stopped = () => new CommandFault({ code: 'STOPPED', message: 'It was stopped.' });

function resultOf(
  child: ChildProcess,
  { onEvent, onOutput, program, signal: stopping }: CommandOptions,
): Promise<unknown> {
  let last: CommandResult | undefined;
  let complaint = '';
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const parsed = parseLine(line);
    if (parsed === undefined) onOutput?.(line);
    else if (isResult(parsed)) last = parsed;
    else onEvent?.(parsed);
  });
  createInterface({ input: child.stderr! }).on('line', (line) => {
    complaint = line;
    onOutput?.(line);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CommandFault({ code: 'NOT_STARTED', message: `${program}: ${error.message}` })),
    );
    child.once('close', (code, signal) => {
      if (last?.error !== undefined) reject(new CommandFault(last.error));
      else if (last !== undefined) resolve(last.data);
      // It ended before it could hear a signal; on Windows none is heard.
      else if (stopping?.aborted) reject(stopped());
      else
        reject(
          new CommandFault({ code: 'CRASHED', message: `evr ended with ${signal ?? code}. ${complaint}` }),
        );
    });
  });
}

export const isResult = (parsed: CommandResult | CommandEvent): parsed is CommandResult =>
  parsed.event === 'result';

/** Undefined for what a user's configuration file prints. */
export function parseLine(line: string): CommandResult | CommandEvent | undefined {
  if (!line.startsWith('{"event":')) return undefined;
  try {
    return JSON.parse(line) as CommandResult | CommandEvent;
  } catch {
    return undefined;
  }
}
