/** A row of a tree, as plain data: the view turns it into what the editor draws. */
export interface Row {
  /** Stable over refreshes, so that selection and expansion stay. */
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly icon: { readonly name: string; readonly color?: string };
  /** Shown as text, line by line: a heading, then names and values. */
  readonly tooltip?: Tooltip;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Words for the conditions of menus: the kind first, then what it allows. */
  readonly context: string;
  readonly expansion: 'none' | 'collapsed' | 'expanded';
}

export interface Tooltip {
  readonly heading: string;
  readonly lines: readonly (readonly [name: string, value: string])[];
}

/** Keeps the lines that have a value. */
export function tooltip(heading: string, lines: Readonly<Record<string, string | undefined>>): Tooltip {
  const filled = Object.entries(lines).filter((line): line is [string, string] => !!line[1]);
  return { heading, lines: filled };
}
