import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { buildProgram, type Runner } from './program.ts';
import { type ExitCode, rehearsalWorker, terminal } from './terminal.ts';

/** Runs what was called and answers the exit code; it does not throw. */
export async function main(): Promise<ExitCode> {
  if (terminal.arguments[0] === rehearsalWorker) return workForRehearsal();
  let exitCode: ExitCode = 0;
  const run: Runner = async (definition, values) => {
    // Loaded now, since help and wrong use need none of it.
    const { carryOut } = await import('./carry-out.ts');
    exitCode = await carryOut(definition, values);
  };
  try {
    await buildProgram(run, version()).parseAsync([...terminal.arguments], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for; a call without a command prints help too.
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return 2;
    return sayWrongUse(error.message.replace(/^error: /, ''), error);
  }
}

/** No command of people: a rehearsal starts it, lets it work on copies, and kills it. */
async function workForRehearsal(): Promise<ExitCode> {
  const { runRehearsalWorker } = await import('@registry/core');
  const { scratchStore } = await import('@registry/node-memory');
  await runRehearsalWorker({ channel: terminal.parent, scratchStore });
  return 0;
}

async function sayWrongUse(text: string, cause: CommanderError): Promise<ExitCode> {
  const { Output } = await import('./output.ts');
  const [message = '', ...suggestions] = text.split('\n');
  const advice = [...suggestions, 'evr --help lists the commands, evr <command> --help its options.'].join(
    ' ',
  );
  const isSet = (flag: string) => terminal.arguments.includes(flag);
  const output = new Output({ json: isSet('--json'), verbose: isSet('--verbose') });
  return output.fail(undefined, { exitCode: 2, code: 'USAGE', message, advice, details: {} }, cause);
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
