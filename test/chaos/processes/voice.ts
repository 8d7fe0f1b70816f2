/** How a process of the chaos speaks, and how it stops itself at a place where the driver wants to find it. */
import { writeSync } from 'node:fs';
import type { FaultPoint, FaultScript } from '@registry/core/testing';
import type { Message } from './process.ts';

/** Written at once: what was told has happened, whatever becomes of this process. */
export function tell(message: Message): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** The options that the driver passed. */
export function optionsOf<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** Resolves when the driver wants this process to finish. */
export function untilAskedToRest(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.stdin.on('end', resolve).resume();
  return promise;
}

/** Where a worker stops that holds the registry's lock. */
export const IN_TRANSACTION = 'inside a transaction';

/** Everything here stands still until the driver continues or kills this process. */
export function stop(where: string): void {
  tell({ kind: 'stops', where });
  process.kill(process.pid, 'SIGSTOP');
}

/** Where a process is to stop: `registry.settle after`, at the time of this number, from 0 on. */
export interface StopAt {
  readonly place: string;
  readonly time: number;
}

/** A script that stops the process once. */
export function stoppingAt(at: StopAt | undefined): FaultScript {
  let times = 0;
  return ({ port, method, when }: FaultPoint) => {
    if (at === undefined || at.place !== `${port}.${method} ${when}`) return;
    times += 1;
    if (times === at.time + 1) stop(at.place);
  };
}

/** Says whether there is a process of this number; one that is frozen lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
