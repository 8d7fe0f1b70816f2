/** What `evr` is asked to do. */
export interface EvrCommand {
  readonly words: string;
  readonly flags?: readonly string[];
  /** A plan or a model by the name it has in a registry, which may be of anybody's making. */
  readonly operand?: string;
}

/** The same as parameters of `evr`, which answers in objects and takes an operand such as `--db=x` for a name. */
export function parametersOf(
  { words, flags = [], operand }: EvrCommand,
  which: readonly string[] = [],
): readonly string[] {
  return [
    ...words.split(' '),
    ...flags,
    ...which,
    '--json',
    ...(operand === undefined ? [] : ['--', operand]),
  ];
}

/** The same with more flags. */
export function withFlags(command: EvrCommand, ...flags: readonly string[]): EvrCommand {
  return { ...command, flags: [...(command.flags ?? []), ...flags] };
}
