import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@registry/core';
import type * as vscode from 'vscode';
import { isProcessGone } from '../host-process.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import {
  type CommandEvent,
  type CommandResult,
  type Invocation,
  isResult,
  parseLine,
  startDetached,
} from './command-line.ts';
import { LogFile } from './log-file.ts';

const KEPT = 'workers';

/** A worker that this window or one before it has started. */
export interface StartedWorker {
  readonly path: string;
  readonly planId: string;
  /** Of the plan, as people know it. */
  readonly name: string;
}

interface Kept extends StartedWorker {
  readonly pid: number;
  readonly logFile: string;
}

interface Followed {
  readonly log: LogFile;
  result?: CommandResult;
  complaint: string;
}

/**
 * Workers outlive the window that started them: each writes what it has to say into a file, which the window that
 * comes after a reload reads from its beginning. A worker is over when its file ends with a result, or when its
 * process is gone; the file goes then.
 */
export class Workers implements vscode.Disposable {
  readonly #folder: string;
  readonly #memory: vscode.Memento;
  readonly #log: vscode.LogOutputChannel;
  readonly #followed = new Map<string, Followed>();
  /** Told of a worker that ended otherwise than at its plan's rest. */
  onCrash: (worker: StartedWorker, message: string) => void = () => {};

  constructor(o: { folder: string; memory: vscode.Memento; log: vscode.LogOutputChannel }) {
    this.#folder = o.folder;
    this.#memory = o.memory;
    this.#log = o.log;
  }

  start(worker: StartedWorker, invocation: Invocation): void {
    mkdirSync(this.#folder, { recursive: true });
    const logFile = join(this.#folder, `worker-${systemClock.uuid()}.log`);
    this.#log.info(`[worker] starts on ${worker.name} (${worker.planId})`);
    const pid = startDetached(invocation, logFile, {
      onExit: () => void this.#check(logFile),
      onNotStarted: ({ message }) => {
        rmSync(logFile, { force: true });
        this.onCrash(worker, `Its process could not be started: ${message}.`);
      },
    });
    if (pid === undefined) return;
    this.#keep([...this.#kept, { ...worker, pid, logFile }]);
    this.#follow(logFile);
  }

  /** Follows those that were started before the window was loaded. */
  findAgain(): void {
    for (const { pid, name, logFile } of this.#kept) {
      this.#log.info(
        `[worker] process ${pid} on ${name} was started before this window was loaded; its log:`,
      );
      this.#follow(logFile);
      void this.#check(logFile);
    }
  }

  /** The workers of a registry are others than before: one that is gone may not have said so. */
  check(path: string): void {
    for (const kept of this.#kept) if (kept.path === path) void this.#check(kept.logFile);
  }

  dispose(): void {
    for (const { log } of this.#followed.values()) log.close();
    this.#followed.clear();
  }

  get #kept(): readonly Kept[] {
    return this.#memory.get<readonly Kept[]>(KEPT, []);
  }

  #keep(kept: readonly Kept[]): void {
    void this.#memory.update(KEPT, kept);
  }

  #follow(logFile: string): void {
    const followed: Followed = {
      complaint: '',
      log: new LogFile(logFile, (line) => this.#hear(logFile, line)),
    };
    this.#followed.set(logFile, followed);
    try {
      followed.log.follow();
    } catch {
      // Another window has read it to its end.
      this.#forget(logFile);
    }
  }

  #hear(logFile: string, line: string): void {
    const followed = this.#followed.get(logFile);
    if (followed === undefined) return;
    const said = parseLine(line);
    if (said === undefined) {
      followed.complaint = line;
      this.#log.warn(`[worker] ${line}`);
    } else if (isResult(said)) {
      followed.result = said;
      void this.#check(logFile);
    } else this.#tell(said);
  }

  #tell({ event, data }: CommandEvent): void {
    const { level, message } = data as { level?: string; message?: string };
    if (event !== 'log') this.#log.info(`[worker] ${eventText(event, data)}`);
    else if (level === 'error') this.#log.error(`[worker] ${message}`);
    else if (level === 'warning') this.#log.warn(`[worker] ${message}`);
    else this.#log.info(`[worker] ${message}`);
  }

  async #check(logFile: string): Promise<void> {
    const followed = this.#followed.get(logFile);
    const worker = this.#kept.find((each) => each.logFile === logFile);
    if (followed === undefined || worker === undefined) return;
    const isGone = isProcessGone(worker.pid);
    if (isGone) await followed.log.read();
    if ((!isGone && followed.result === undefined) || !this.#followed.has(logFile)) return;
    this.#forget(logFile);
    rmSync(logFile, { force: true });
    const { result, complaint } = followed;
    const fault =
      result === undefined ? `Its process ended by itself. ${complaint}`.trim() : result.error?.message;
    if (fault === undefined) this.#log.info(`[worker] process ${worker.pid} on ${worker.name} is at rest`);
    else this.onCrash(worker, inEditorWords(fault));
  }

  #forget(logFile: string): void {
    this.#followed.get(logFile)?.log.close();
    this.#followed.delete(logFile);
    this.#keep(this.#kept.filter((each) => each.logFile !== logFile));
  }
}

/** A line of the log, rather than an object. */
function eventText(event: string, data: CommandEvent['data']): string {
  if (event === 'started') return `runs as process ${String(data.pid)} with ${String(data.embedders)}`;
  if (event === 'waiting') return `waits: ${inEditorWords(JSON.stringify(data.items))}`;
  const { plan } = data as { plan?: { planId: string; status: string } };
  return plan === undefined ? `${event} ${JSON.stringify(data)}` : `plan ${plan.planId} is ${plan.status}`;
}
