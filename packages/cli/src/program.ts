import { Argument, Command, Option } from 'commander';
import type { CommandDefinition, OptionDefinition } from './command-definition.ts';
import { commandTable } from './command-table.ts';
import { terminal } from './terminal.ts';

/** Runs a command with what was written: arguments and options by name. */
export type Runner = (definition: CommandDefinition, values: Record<string, unknown>) => Promise<void>;

/** What every command takes. */
export const globalOptions: readonly OptionDefinition[] = [
  { flags: '--json', about: 'print objects, one a line, for programs' },
  { flags: '--verbose', about: 'say more, and where errors come from' },
  { flags: '-y, --yes', about: 'yes to every question, for scripts' },
  { flags: '--config <file>', about: 'configuration file; otherwise looked for here and above' },
  { flags: '--registry <name>', about: 'one of the registries of the configuration file' },
  { flags: '--db <file>', about: 'registry database; wins over every other source' },
];

/** The commands as commander takes them. It throws instead of ending the process. */
export function buildProgram(run: Runner, version: string): Command {
  const program = new Command('evr')
    .description('Knows which embedding model made which vector, and re-embeds a store safely.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: terminal.print,
      // Said by `main`, in the shape of every other failure.
      outputError: () => {},
      writeErr: terminal.note,
      getOutHelpWidth: () => terminal.columns ?? 100,
      getErrHelpWidth: () => terminal.columns ?? 100,
    })
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap: 10,
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(written)].join(' '),
    });
  for (const option of globalOptions) program.addOption(optionOf(option));
  for (const definition of commandTable) addCommand(program, definition, run);
  program.addHelpText('after', example(['evr init', 'evr status', 'evr plan --help']));
  return program;
}

function addCommand(program: Command, definition: CommandDefinition, run: Runner): void {
  const words = definition.words.split(' ');
  const name = words.at(-1) ?? '';
  const parent = words.length === 1 ? program : groupOf(program, words[0] ?? '');
  const command = parent
    .command(name, { isDefault: definition.isDefault ?? false })
    .description(definition.about)
    .allowExcessArguments(false);
  for (const [written, about, choices] of definition.arguments ?? []) {
    const argument = new Argument(written, about);
    command.addArgument(choices === undefined ? argument : argument.choices(choices));
  }
  for (const option of definition.options ?? []) command.addOption(optionOf(option));
  command.addHelpText('after', example(definition.example));
  command.action(async () => {
    const given = command.registeredArguments.map((argument, index) => [
      argument.name(),
      command.processedArgs[index],
    ]);
    const values = {
      ...command.optsWithGlobals(),
      ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    };
    await run(definition, values);
  });
}

function groupOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  return program
    .command(name)
    .description('list, show, register, update, activate, remove')
    .addHelpText('after', example([`evr ${name}`, `evr ${name} list --help`]));
}

function optionOf({ flags, about, choices, isList, isRequired }: OptionDefinition): Option {
  const option = new Option(flags, about);
  if (choices !== undefined) option.choices(choices);
  if (isRequired) option.makeOptionMandatory();
  if (isList) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

function example(lines: readonly string[]): string {
  const title = lines.length === 1 ? 'Example:' : 'Examples:';
  return `\n${title}\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

function written(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}
