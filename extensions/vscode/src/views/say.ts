import { l10n } from 'vscode';
import type { Say } from '../language.ts';
import { shown } from '../model/shown.ts';

const { t: translated } = l10n;
const BETWEEN = '\u200b';

/**
 * Text of a registry for places in which the editor makes links of `[…](…)` and icons of `$(…)`: messages,
 * lists and the status bar. A sign without width keeps either from being one.
 */
export function harmless(text: string): string {
  return shown(text).replaceAll(/([\]$])\(/g, `$1${BETWEEN}(`);
}

/** The editor's own translation; what fills a slot stays text. */
export const say: Say = (sentence, values = {}) => {
  const filled = Object.entries(values).map(([name, value]) => [name, harmless(String(value))]);
  return translated(sentence, Object.fromEntries(filled));
};
