import { type FSWatcher, watch } from 'node:fs';
import { open } from 'node:fs/promises';

const PIECE = 64 * 1024;

/** Reads a growing text file line by line, from its beginning, and goes on when it grows. */
export class LogFile {
  readonly #path: string;
  readonly #onLine: (line: string) => void;
  #watcher: FSWatcher | undefined;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #reading: Promise<void> = Promise.resolve();

  constructor(path: string, onLine: (line: string) => void) {
    this.#path = path;
    this.#onLine = onLine;
  }

  /** @throws where there is no such file */
  follow(): void {
    this.#watcher = watch(this.#path, () => void this.read());
    this.#watcher.on('error', () => this.close());
    void this.read();
  }

  /** Reads what is there by now; resolves when all of it has been told. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readOn()).catch(() => {});
    return this.#reading;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #readOn(): Promise<void> {
    await using file = await open(this.#path, 'r');
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE), 0, PIECE, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      this.#take(buffer.subarray(0, bytesRead));
    }
  }

  #take(bytes: Buffer): void {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(10) + 1;
    this.#rest = all.subarray(end);
    for (const line of all.subarray(0, end).toString('utf8').split('\n')) if (line !== '') this.#onLine(line);
  }
}
