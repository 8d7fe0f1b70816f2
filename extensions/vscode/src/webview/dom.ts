import type { Say } from '../language.ts';
import { shown } from '../model/shown.ts';

type Child = Node | string | undefined;

export interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly role?: string;
  readonly label?: string;
  readonly type?: string;
  readonly value?: string;
  readonly scope?: string;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  readonly onChange?: (value: string) => void;
}

const LONGEST = 2_000;

/** An element with children; text stays text, whatever it holds. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  const { class: className, onClick, onChange, label, disabled, ...plain } = attributes;
  if (className !== undefined) made.className = className;
  if (label !== undefined) made.setAttribute('aria-label', label);
  if (disabled) made.setAttribute('disabled', '');
  for (const [name, value] of Object.entries(plain))
    made.setAttribute(name, name === 'title' ? shown(value, LONGEST) : value);
  if (onClick) made.addEventListener('click', onClick);
  if (onChange) made.addEventListener('change', () => onChange((made as unknown as HTMLInputElement).value));
  for (const child of children)
    if (child !== undefined) made.append(typeof child === 'string' ? shown(child, LONGEST) : child);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function drawing(
  tag: string,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Node[]
): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A table with a caption for screen readers. */
export function table(
  caption: string,
  titles: readonly string[],
  rows: readonly (readonly Child[])[],
): HTMLTableElement {
  const head = element('tr', {}, ...titles.map((title) => element('th', { scope: 'col' }, title)));
  const body = rows.map((cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell))));
  return element(
    'table',
    {},
    element('caption', {}, caption),
    element('thead', {}, head),
    element('tbody', {}, ...body),
  );
}

/** Buttons to the page before and after. `before`: where each page before the shown one begins. */
export function pager(
  o: { before: readonly string[]; next: string | undefined; go: (before: string[]) => void },
  say: Say,
): HTMLElement {
  const { before, next, go } = o;
  const turn = (label: string, to: string[] | undefined) =>
    element('button', { type: 'button', disabled: to === undefined, onClick: () => to && go(to) }, label);
  return element(
    'div',
    { class: 'buttons' },
    turn(say('Previous'), before.length > 0 ? before.slice(0, -1) : undefined),
    turn(say('Next'), next === undefined ? undefined : [...before, next]),
  );
}
