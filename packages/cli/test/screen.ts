/** A terminal of a given width, with the real program in it. */
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { program } from './built-program.ts';
import { environment } from './evr.ts';

/** Its binaries come with npm for the usual systems; elsewhere what needs a terminal is skipped. */
const pty = await import('@lydell/node-pty').then(
  (module) => module,
  () => undefined,
);
export const hasTerminals = pty !== undefined;

export interface ScreenOptions {
  readonly cwd: string;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class Screen {
  /** Everything that was written, escape codes included. */
  raw = '';
  readonly ended: Promise<number>;
  readonly #terminal;
  readonly #waiting = new Set<() => void>();

  constructor(parameters: readonly string[], { cwd, columns = 80, env }: ScreenOptions) {
    if (pty === undefined) throw new Error('There are no terminals here.');
    this.#terminal = pty.spawn(process.execPath, [program, ...parameters], {
      cwd,
      cols: columns,
      rows: 40,
      name: 'xterm-256color',
      env: environment({ TERM: 'xterm-256color', ...env }),
    });
    const ended = Promise.withResolvers<number>();
    this.ended = ended.promise;
    this.#terminal.onData((text) => {
      this.raw += text;
      for (const look of this.#waiting) look();
    });
    this.#terminal.onExit(({ exitCode }) => {
      ended.resolve(exitCode);
      for (const look of this.#waiting) look();
    });
    onTestFinished(() => {
      try {
        this.#terminal.kill('SIGKILL');
      } catch {
        // It has ended.
      }
    });
  }

  /** What people read, line by line; a line that was written over counts as several. */
  get lines(): readonly string[] {
    return stripVTControlCharacters(this.raw)
      .split(/[\r\n]+/)
      .filter((line) => line !== '');
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Resolves when the text of the screen matches. */
  async until(pattern: RegExp): Promise<void> {
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    while (!pattern.test(this.text)) {
      if (hasEnded) throw new Error(`It ended without ${pattern}:\n${this.text}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await Promise.race([promise, this.ended]);
      this.#waiting.delete(resolve);
    }
  }

  type(text: string): void {
    this.#terminal.write(text);
  }
}
