import { Call } from './call.ts';
import type { CommandDefinition } from './command-definition.ts';
import { failureOf } from './failure.ts';
import { Output } from './output.ts';
import { type ExitCode, terminal } from './terminal.ts';

/** Runs one command and says how it ended. */
export async function carryOut(
  definition: CommandDefinition,
  values: Record<string, unknown>,
): Promise<ExitCode> {
  const output = new Output({ json: values.json === true, verbose: values.verbose === true });
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  const flags = { config: text('config'), registry: text('registry'), db: text('db') };
  const call = new Call({ output, flags, yes: values.yes === true, values });
  terminal.listen((willGoOn) => {
    output.progress('');
    output.note(
      willGoOn
        ? 'Stopping after what is in hand; Ctrl-C again stops at once.'
        : 'Stopped. Run it again to go on.',
    );
    if (willGoOn) output.event('stopping', {});
  });
  try {
    const handler = await definition.load();
    return output.end(definition.words, await handler(call));
  } catch (error) {
    return output.fail(definition.words, failureOf(error, call.hasBegun), error);
  }
}
