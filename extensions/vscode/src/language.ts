/** Translates a sentence and fills its `{slots}`; the editor's own is passed in where it is at hand. */
export type Say = (sentence: string, values?: Readonly<Record<string, string | number>>) => string;

/** The sentences as they are written. */
export const english: Say = (sentence, values = {}) =>
  sentence.replaceAll(/\{(\w+)\}/g, (slot, name: string) => String(values[name] ?? slot));
