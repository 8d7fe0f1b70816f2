/** The samples of a page, in order. */

export interface FileSample {
  readonly kind: 'file';
  readonly name: string;
  readonly text: string;
}
export interface CommandSample {
  readonly kind: 'command';
  /** One line of a shell block, without its comment. */
  readonly line: string;
  /** 0, or what the comment says: `# ends with code 1`. */
  readonly exitCode: number;
}
export interface OutputSample {
  readonly kind: 'output';
  /** What the block of commands before it is shown to print. */
  readonly lines: readonly string[];
}
export type Sample = FileSample | CommandSample | OutputSample;

/** Tabs named so are parts of one program, which runs in a folder of its own. */
const PROGRAM = 'TypeScript';

/** Samples of Markdown, and the program of its TypeScript tabs. Blocks of other languages are not run. */
export function samplesOf(markdown: string): {
  readonly samples: readonly Sample[];
  readonly program: string;
} {
  const program: string[] = [];
  let unnamed = 0;
  const samples = [...markdown.matchAll(/^```(\w+)(?: \[([^\]]+)\])?[^\n]*\n(.*?)^```$/gms)].flatMap(
    ([, language, name, text]): readonly Sample[] => {
      if (language === 'sh') return commandsOf(text!);
      if (language === 'text')
        return [{ kind: 'output', lines: text!.split('\n').filter((line) => line.trim() !== '') }];
      if (language !== 'ts') return [];
      if (name === PROGRAM) program.push(text!);
      else if (name !== undefined) return [{ kind: 'file', name, text: text! }];
      else {
        const file = `sample-${++unnamed}.ts`;
        return [
          { kind: 'file', name: file, text: text! },
          { kind: 'command', line: `node ${file}`, exitCode: 0 },
        ];
      }
      return [];
    },
  );
  return { samples, program: program.join('\n') };
}

function commandsOf(text: string): readonly CommandSample[] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((text) => ({
      kind: 'command' as const,
      line: text.replace(/(^|\s+)#.*$/, '').trim(),
      exitCode: Number(/#.*\bends with code (\d)/.exec(text)?.[1] ?? 0),
    }))
    .filter(({ line }) => line !== '');
}

/** Lines as they are compared: ids, numbers, times and widths differ from run to run. */
function masked(line: string): string {
  return line
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f-]{27})?\b/g, '<id>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replaceAll(/(\/[\w.-]+)+\//g, '')
    .replaceAll(/\d+([.,:]\d+)*/g, '<n>')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The lines that are shown and were not printed, in this order. `…` stands for any. */
export function missingLines(shown: readonly string[], printed: string): readonly string[] {
  let rest = printed.split('\n').map(masked);
  return shown.filter((line) => {
    if (line.trim() === '…') return false;
    const at = rest.indexOf(masked(line));
    rest = at < 0 ? rest : rest.slice(at + 1);
    return at < 0;
  });
}

/** A line as a shell takes it apart: blanks, and quotes of both kinds. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((found) => found[1] ?? found[2] ?? found[3]!);
}
