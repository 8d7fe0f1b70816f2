import { type Markup, markup } from './markup.ts';

/** Columns whose name begins with # hold numbers. */
export function tableOf(columns: readonly string[], rows: readonly Markup[]): Markup {
  const heads = columns.map((name) =>
    name.startsWith('#')
      ? markup`<th scope="col" class="number">${name.slice(1)}</th>`
      : markup`<th scope="col">${name}</th>`,
  );
  return markup`<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
