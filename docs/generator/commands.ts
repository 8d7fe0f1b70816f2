/** Every command of `evr`, from the table that the program itself is built from. */
import type { CommandDefinition, OptionDefinition } from '../../packages/cli/src/command-definition.ts';
import { commandTable } from '../../packages/cli/src/command-table.ts';
import { globalOptions } from '../../packages/cli/src/program.ts';
import { code, prose, table } from './markdown.ts';

const introduction = `# CLI: \`evr\`

Every command takes the global options below; \`evr <command> --help\` shows the same on a terminal.

Exit codes: 0 done, 1 failed, 2 wrong use or refused, 3 stopped on purpose (the same call goes on).

Wherever a plan or a model is expected, the beginning of its id or label is enough, as long as it is unique: \`3f2\`,
\`hashed\`, \`text-embedding-3-small:v1\`.
`;

export function commandPage(): string {
  const index = table(
    ['command', 'what it does'],
    commandTable.map(({ words, about }) => [
      `[${code(words)}](#${words.replaceAll(' ', '-')})`,
      sentence(about),
    ]),
  );
  const global = `## Global options\n\n${optionTable(globalOptions)}\n`;
  return [introduction, `${index}\n`, global, ...commandTable.map(section)].join('\n');
}

function section(command: CommandDefinition): string {
  const { words, about, arguments: parameters = [], options = [], example } = command;
  const usage = ['evr', words, ...parameters.map(([written]) => written), '[options]'].join(' ');
  const parts = [
    `## ${words}`,
    `${sentence(about)}`,
    `\`\`\`text\n${usage}\n\`\`\``,
    parameters.length > 0 &&
      table(
        ['argument', 'meaning'],
        parameters.map(([written, meaning, choices]) => [code(written), withChoices(meaning, choices)]),
      ),
    options.length > 0 && optionTable(options),
    `Example:\n\n\`\`\`sh\n${example.join('\n')}\n\`\`\``,
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function optionTable(options: readonly OptionDefinition[]): string {
  return table(
    ['option', 'meaning'],
    options.map(({ flags, about, choices, isList, isRequired }) => [
      code(flags),
      withChoices(about, choices) + (isList ? ' May be repeated.' : '') + (isRequired ? ' Required.' : ''),
    ]),
  );
}

function withChoices(about: string, choices?: readonly string[]): string {
  return sentence(about) + (choices === undefined ? '' : ` One of ${choices.map(code).join(', ')}.`);
}

function sentence(text: string): string {
  const said = prose(text.charAt(0).toUpperCase() + text.slice(1));
  return /[.!?]$/.test(said) ? said : `${said}.`;
}
