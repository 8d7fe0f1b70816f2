import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { childEnvironment, runtimePath } from '../host-process.ts';

/** A line that `evr --json` prints while it is at work. */
export interface CommandEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Its last line. */
interface CommandResult {
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

export interface CommandOptions {
  /** The program `evr`. */
  readonly program: string;
  readonly parameters: readonly string[];
  readonly folder: string;
  /** Variables beside those of the editor: keys of the user's services. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly onEvent?: (event: CommandEvent) => void;
  /** What it says beside its results. */
  readonly onOutput?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Outlives the editor. */
  readonly isWorker?: boolean;
}

export interface RunningCommand {
  readonly pid: number | undefined;
  /** What it found. @throws CommandFault */
  readonly result: Promise<unknown>;
}

/** Runs the command line as a child, with the editor's own runtime. An abort asks it to stop cleanly. */
export function runCommand(o: CommandOptions): RunningCommand {
  const child = spawn(runtimePath, [o.program, ...o.parameters, '--json'], {
    cwd: o.folder,
    env: { ...childEnvironment(), ...o.secrets },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: o.isWorker ?? false,
  });
  if (o.isWorker) child.unref();
  const stop = () => void child.kill('SIGTERM');
  o.signal?.addEventListener('abort', stop, { once: true });
  const result = resultOf(child, o).finally(() => o.signal?.removeEventListener('abort', stop));
  return { pid: child.pid, result };
}

function resultOf(child: ChildProcess, { onEvent, onOutput, program }: CommandOptions): Promise<unknown> {
  let last: CommandResult | undefined;
  let complaint = '';
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const parsed = parse(line);
    if (parsed === undefined) onOutput?.(line);
    else if (parsed.event === 'result') last = parsed as CommandResult;
    else onEvent?.(parsed as CommandEvent);
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
      else
        reject(
          new CommandFault({ code: 'CRASHED', message: `evr ended with ${signal ?? code}. ${complaint}` }),
        );
    });
  });
}

/** Undefined for what a user's configuration file prints. */
function parse(line: string): CommandResult | CommandEvent | undefined {
  if (!line.startsWith('{"event":')) return undefined;
  try {
    return JSON.parse(line) as CommandResult | CommandEvent;
  } catch {
    return undefined;
  }
}
