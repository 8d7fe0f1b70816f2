/**
 * What the demo remembers between two starts, in the folder `.demo`: the two databases, and one small file
 * per step that is done. A step that was interrupted is done again, so each step may be repeated.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const LOCK = 'running.pid';
const FINISHED = 'finished';

export class RunFolder {
  readonly path: string;
  /** An earlier start was interrupted, and this one goes on. */
  readonly isResumed: boolean;

  private constructor(path: string, isResumed: boolean) {
    this.path = path;
    this.isResumed = isResumed;
  }

  /** Goes on with an unfinished run unless told to start anew; a finished one makes room by itself. */
  static open(isFresh: boolean): RunFolder {
    const path = resolve('.demo');
    mkdirSync(path, { recursive: true });
    lock(join(path, LOCK));
    const isOver = existsSync(join(path, `${FINISHED}.json`));
    if (isFresh || isOver) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path, { recursive: true });
      lock(join(path, LOCK));
    }
    return new RunFolder(path, existsSync(join(path, 'settings.json')));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** What a step came to, where it is done. */
  note<T>(step: string): T | undefined {
    const file = this.file(`${step}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
  }

  /** Whoever dies here leaves either the whole note or none. */
  write(step: string, result: unknown): void {
    const file = this.file(`${step}.json`);
    writeFileSync(`${file}.tmp`, JSON.stringify(result ?? null));
    renameSync(`${file}.tmp`, file);
  }

  /** Does a step unless it is done, and answers what it came to, then or now. */
  async once<T>(step: string, work: () => Promise<T>): Promise<T> {
    const done = this.note<T>(step);
    if (done !== undefined) return done;
    const result = await work();
    this.write(step, result);
    return result;
  }

  /** As if the step had never been done. */
  forget(step: string): void {
    rmSync(this.file(`${step}.json`), { force: true });
  }

  /** The next start begins anew. */
  finish(): void {
    this.write(FINISHED, true);
  }

  close(): void {
    rmSync(this.file(LOCK), { force: true });
  }
}

/** Two demos in one folder would take each other's steps. */
function lock(file: string): void {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
  if (pid !== undefined && pid !== process.pid && isAlive(pid))
    throw new Error(`The demo is running here already, as process ${pid}. Wait for it, or end it first.`);
  writeFileSync(file, String(process.pid));
}

/** Whether a process of this machine is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
