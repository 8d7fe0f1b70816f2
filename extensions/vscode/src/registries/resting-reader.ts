import { stat } from 'node:fs/promises';
import type { Reader } from '../model/branches.ts';
import type { InputOf, OutputOf, Reads, Summary } from '../registry-process/messages.ts';

/** Answers kept for one registry; a tree that is opened far down asks more than that. */
const MOST_ANSWERS = 50;

interface Kept {
  /** Of the file, while nobody works on it. */
  readonly mark: string;
  readonly answers: Map<string, unknown>;
}

/**
 * Answers about registries at rest. A file without a log beside it holds what it held: what was read of it once
 * is told again without the process that reads, until the file is another one. So a view that is opened shows its
 * rows before that process has started.
 */
export class RestingReader implements Reader {
  readonly #reader: Reader;
  readonly #kept = new Map<string, Kept>();

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async read<Name extends keyof Reads>(
    path: string,
    name: Name,
    ...input: InputOf<Reads[Name]> extends undefined ? [] : [InputOf<Reads[Name]>]
  ): Promise<OutputOf<Reads[Name]>> {
    const key = JSON.stringify([name, ...input]);
    const mark = await markOf(path);
    const kept = this.#kept.get(path);
    if (mark !== undefined && kept?.mark === mark && kept.answers.has(key))
      return kept.answers.get(key) as OutputOf<Reads[Name]>;
    const answer = await this.#reader.read(path, name, ...input);
    // A file that changed meanwhile was read before or after it did: nobody knows.
    if (mark !== undefined && isLasting(name, answer) && (await markOf(path)) === mark)
      this.#keep(path, mark, key, answer);
    return answer;
  }

  #keep(path: string, mark: string, key: string, answer: unknown): void {
    const kept = this.#kept.get(path);
    const { answers } = kept?.mark === mark ? kept : this.#renewed(path, mark);
    if (answers.size >= MOST_ANSWERS) answers.clear();
    answers.set(key, answer);
  }

  #renewed(path: string, mark: string): Kept {
    const kept = { mark, answers: new Map() };
    this.#kept.set(path, kept);
    return kept;
  }
}

/** Whether a worker is alive is a matter of time too, which no file tells. */
function isLasting(name: keyof Reads, answer: unknown): boolean {
  return name !== 'summary' || (answer as Summary).workers.length === 0;
}

/** Undefined where somebody works on the file, or there is none. */
async function markOf(path: string): Promise<string | undefined> {
  const [file, wal, journal] = await Promise.all(
    ['', '-wal', '-journal'].map((suffix) => stat(path + suffix, { bigint: true }).catch(() => undefined)),
  );
  if (file === undefined || wal !== undefined || journal !== undefined) return undefined;
  return [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(' ');
}
