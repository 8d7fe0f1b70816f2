import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';

/** A model as the guided input yields it. */
export interface ModelInput {
  readonly modelId: string;
  readonly version: number;
  readonly dimension: number;
  readonly checksum: string;
  readonly datatype: 'float32' | 'bit';
}

const MOST_SIGNS = 512;
const isWhole = (text: string) => /^[1-9]\d{0,8}$/.test(text);

/** What is wrong with an answer, while it is typed; undefined where nothing is. */
export function checkModelInput(known: readonly ModelData[], say: Say) {
  const versionsOf = (modelId: string) =>
    known.filter((model) => model.modelId === modelId).map(({ version }) => version);
  const nextVersion = (modelId: string) => Math.max(0, ...versionsOf(modelId)) + 1;
  return {
    nextVersion,
    modelId(text: string): string | undefined {
      if (text.trim() === '') return say('A model needs an id.');
      if (text.length > MOST_SIGNS) return say('At most {count} signs.', { count: MOST_SIGNS });
      return /[\p{Cc}\u2028\u2029]/u.test(text) || !text.isWellFormed()
        ? say('Printable signs only.')
        : undefined;
    },
    version(modelId: string, text: string): string | undefined {
      if (!isWhole(text)) return say('A whole number of at least 1.');
      const next = nextVersion(modelId);
      if (versionsOf(modelId).includes(Number(text)))
        return say('Version {version} is registered already; the next one is {next}.', {
          version: text,
          next,
        });
      return Number(text) < next ? say('Versions grow; the next one is {next}.', { next }) : undefined;
    },
    dimension: (text: string) => (isWhole(text) ? undefined : say('A whole number of at least 1.')),
    checksum(text: string): string | undefined {
      if (text === '') return say('A model needs a checksum, so that a change of it is noticed.');
      if (text.length > MOST_SIGNS) return say('At most {count} signs.', { count: MOST_SIGNS });
      return /[\s\p{Cc}]/u.test(text) || !text.isWellFormed()
        ? say('Printable signs without blanks.')
        : undefined;
    },
  };
}
