/**
 * Carries out commands of a page in one process, since each of its own would cost half a second: `evr` is the real
 * program, called by its main function. The first parameter is a file of
 * commands, the second one that takes their results.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { main } from '../../packages/cli/src/main.ts';
import { terminal } from '../../packages/cli/src/terminal.ts';
import { wordsOf } from './samples.ts';

export interface Played {
  readonly line: string;
  readonly exitCode: number;
  readonly printed: string;
}

const [, , commandFile, resultFile] = process.argv;
const commands = JSON.parse(readFileSync(commandFile!, 'utf8')) as readonly string[];
const called = terminal as { arguments: string[] };
/** The id that a page shows, and the plan that it stands for. */
const plans = new Map<string, string>();
let printed = '';

process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
const write = (text: string | Uint8Array) => {
  printed += String(text);
  return true;
};
process.stdout.write = write;
process.stderr.write = write;

const results: Played[] = [];
for (const line of commands) {
  printed = '';
  let exitCode: number;
  try {
    exitCode = await carryOut(line);
  } catch (error) {
    exitCode = 1;
    printed += `\n${(error as Error)?.stack ?? error}`;
  }
  results.push({ line, exitCode, printed });
}
writeFileSync(resultFile!, JSON.stringify(results));
process.exit(0);

async function carryOut(line: string): Promise<number> {
  const [program, ...words] = wordsOf(line);
  switch (program) {
    case 'evr':
      return evr(words);
    case 'node':
      await import(`${pathToFileURL(join(process.cwd(), words[0]!)).href}?${results.length}`);
      return 0;
    case 'sqlite3':
      return query(words[0]!, words[1]!);
    case 'npm':
      return 0; // the packages are there
    default:
      throw new Error(`No page may use ${program}: only evr, node, sqlite3 and npm are run.`);
  }
}

async function evr(words: readonly string[]): Promise<number> {
  const real: string[] = [];
  for (const word of words) real.push(/^[0-9a-f]{8}$/.test(word) ? await planOf(word) : word);
  called.arguments = [...real, '--yes']; // nobody is there to be asked
  return main();
}

/** The newest plan is meant where an id is shown for the first time. */
async function planOf(shown: string): Promise<string> {
  if (!plans.has(shown)) {
    const before = printed;
    printed = '';
    called.arguments = ['list', '--limit', '1', '--json'];
    await main();
    const { data } = JSON.parse(printed.trimEnd().split('\n').at(-1)!) as {
      data: { items: { planId: string }[] };
    };
    plans.set(shown, data.items[0]!.planId);
    printed = before;
  }
  return plans.get(shown)!;
}

function query(path: string, sql: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  for (const row of database.prepare(sql).all()) printed += `${Object.values(row).join('|')}\n`;
  database.close();
  return 0;
}
