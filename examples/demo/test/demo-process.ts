import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sampleRuntime } from '../../../test/sample-runtime.ts';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

/** A demo in a process of its own. */
export class DemoProcess {
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<number | NodeJS.Signals>();
  readonly #waiting = new Set<() => void>();
  output = '';

  constructor(folder: string, args: readonly string[]) {
    this.#child = spawn(sampleRuntime, [program, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const look of this.#waiting) look();
      });
    this.#child.on('close', (code, signal) => this.#ended.resolve(code ?? signal!));
  }

  /** Exit code, or the signal that ended it. */
  get ended(): Promise<number | NodeJS.Signals> {
    return this.#ended.promise;
  }

  /** Waits until the output holds the text. */
  async until(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (this.output.includes(text)) resolve();
    };
    this.#waiting.add(look);
    look();
    const early = await Promise.race([promise, this.ended]);
    this.#waiting.delete(look);
    if (early !== undefined && !this.output.includes(text))
      throw new Error(`Ended (${early}) without “${text}”:\n${this.output}`);
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.ended;
  }
}

const nouns = 'vector registry model plan node batch lease fence backup sweep store worker stamp query'.split(
  ' ',
);
const verbs = 'keeps moves reads finds writes counts skips claims holds drops'.split(' ');

/** A temporary folder with `docs` to read: 10 files of 9 sections, no two of them alike. */
export function demoFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'registry-demo-'));
  mkdirSync(join(path, 'docs'));
  for (let file = 0; file < 10; file++) {
    const sections = Array.from({ length: 9 }, (_, index) => section(file * 9 + index));
    writeFileSync(join(path, 'docs', `chapter-${file}.md`), sections.join('\n'));
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function section(number: number): string {
  const word = (words: readonly string[], step: number) =>
    words[(number * step + (number >> 3)) % words.length]!;
  const sentences = [1, 3, 5].map(
    (step) => `The ${word(nouns, step)} ${word(verbs, step)} one ${word(nouns, step + 1)}.`,
  );
  return `## Section ${number}: the ${word(nouns, 2)}\n\n${sentences.join(' ')} That is all of part ${number}.\n`;
}
