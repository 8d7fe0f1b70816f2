import { l10n } from 'vscode';
import type { Say } from '../language.ts';

const { t: translated } = l10n;

/** The editor's own translation. */
export const say: Say = (sentence, values = {}) => translated(sentence, { ...values });
