import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { buildProgram, type Runner } from './program.ts';
import { type ExitCode, terminal } from './terminal.ts';

/** Runs what was called and answers the exit code; it does not throw. */
export async function main(): Promise<ExitCode> {
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
    return sayWrongUse(error.message.replace(/^error: /, ''));
  }
}

function sayWrongUse(text: string): ExitCode {
  const [message = '', ...suggestions] = text.split('\n');
  const advice = [...suggestions, 'evr --help lists the commands, evr <command> --help its options.'].join(
    ' ',
  );
  const error = { code: 'USAGE', message, advice, details: {} };
  if (terminal.arguments.includes('--json'))
    terminal.print(`${JSON.stringify({ event: 'result', exitCode: 2, error })}\n`);
  else terminal.note(`USAGE  ${message}\n${advice}\n`);
  return 2;
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
