import type { Finding } from './findings.ts';
import { settings, variablePrefix } from './settings.ts';

/** The variables of an environment as far as the caller passed them; `undefined` is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

const words: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

/** Every variable with our prefix; text that spells no value of its setting stays text, to be refused. */
export function readVariables(env: Environment): readonly Finding[] {
  const kinds = new Map(Object.values(settings).map(({ variable, kind }) => [variable, kind]));
  return Object.entries(env)
    .filter(([name, text]) => name.startsWith(variablePrefix) && text !== undefined)
    .map(([name, text]) => ({
      key: name,
      value: typeof text === 'string' ? spelled(text, kinds.get(name)) : text,
      source: 'the environment',
    }));
}

function spelled(text: string, kind: 'switch' | 'number' | 'path' | undefined): unknown {
  const word = text.trim().toLowerCase();
  if (kind === 'switch') return Object.hasOwn(words, word) ? words[word] : text;
  if (kind === 'number') return /^[+-]?\d+$/.test(word) ? Number(word) : text;
  return text;
}
