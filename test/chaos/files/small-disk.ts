import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own with little room, in memory. Making one needs the right to mount. */
export class SmallDisk {
  readonly folder: string;
  readonly #ballast: string;

  constructor(megabytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'small-disk-'));
    this.#ballast = join(this.folder, 'ballast');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.folder], {
      stdio: 'ignore',
    });
  }

  /** Not a byte is left. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const size of [65_536, 4_096, 1]) this.#fillWith(file, Buffer.alloc(size));
    } finally {
      closeSync(file);
    }
  }

  #fillWith(file: number, bytes: Buffer): void {
    try {
      for (;;) writeSync(file, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    execFileSync('umount', [this.folder], { stdio: 'ignore' });
    rmdirSync(this.folder);
  }
}

/** Says why there is no such disk here; undefined where there is. */
export function whyNoSmallDisk(): string | undefined {
  try {
    new SmallDisk(1).remove();
    return undefined;
  } catch (error) {
    return `No small disk can be mounted here (${(error as Error).message.split('\n')[0]}).`;
  }
}
