import { inspect } from 'node:util';
import { RegistryError } from '../errors.ts';
import { nearest } from './nearest.ts';
import { type RegistryConfig, type SettingName, settings, variablePrefix } from './settings.ts';

/** One value as its source gave it, before anyone looked at it. */
export interface Finding {
  /** The name in the words of the source: a YAML key, a variable, a property. */
  readonly key: string;
  readonly value: unknown;
  /** Where it stands: file and line, the environment, the options of the call. */
  readonly source: string;
}

/** What was wrong with one finding; the `details.issues` of `CONFIG_INVALID` are a list of these. */
export interface ConfigIssue extends Finding {
  readonly problem: string;
  readonly allowed: string;
}

/** How a source names the settings. */
export type Naming = 'key' | 'variable' | 'name';

/** Sorts findings into settings and issues, and goes on after the first issue, to report all at once. */
export function checkFindings(
  findings: readonly Finding[],
  naming: Naming,
): { readonly config: RegistryConfig; readonly issues: readonly ConfigIssue[] } {
  const known = new Map(Object.keys(settings).map((name) => [nameOf(name as SettingName, naming), name]));
  const config: Record<string, unknown> = {};
  const issues: ConfigIssue[] = [];
  for (const finding of findings) {
    const name = known.get(finding.key) as SettingName | undefined;
    if (name === undefined) issues.push(unknownKey(finding, [...known.keys()], naming));
    else if (settings[name].schema.safeParse(finding.value).success) config[name] = finding.value;
    else issues.push({ ...finding, problem: 'is not valid', allowed: allowedOf(name, naming) });
  }
  return { config, issues };
}

/** The error that names key, value, source and what is allowed of each issue. */
export function configInvalid(issues: readonly ConfigIssue[]): RegistryError {
  const sentences = issues.map(
    ({ key, value, source, problem, allowed }) =>
      `"${key}" ${problem} (was ${shown(value)}, from ${source}); allowed: ${allowed}.`,
  );
  return new RegistryError('CONFIG_INVALID', `Invalid configuration: ${sentences.join(' ')}`, {
    details: { issues: issues.map((issue) => ({ ...issue, value: shown(issue.value) })) },
  });
}

function nameOf(name: SettingName, naming: Naming): string {
  return naming === 'name' ? name : settings[name][naming];
}

function allowedOf(name: SettingName, naming: Naming): string {
  return naming === 'variable' ? settings[name].allowedText : settings[name].allowed;
}

function unknownKey(finding: Finding, known: readonly string[], naming: Naming): ConfigIssue {
  const prefix = naming === 'variable' ? variablePrefix : ''; // shared by all, it would make all look near
  const endings = known.map((key) => key.slice(prefix.length));
  const suggestion = nearest(finding.key.slice(prefix.length), endings);
  return {
    ...finding,
    // What is not ours may be a secret that strayed here, and a message ends up in logs.
    value: mayBeSecret(finding) ? withheld : finding.value,
    problem: suggestion === undefined ? 'is unknown' : `is unknown, did you mean "${prefix}${suggestion}"?`,
    allowed: known.join(', '),
  };
}

const secretName = /key|secret|token|password|passwd|credential|auth|dsn|url|uri|connection/i;
/** An address with a user in it, or one long word of mixed signs. */
const secretText = /:\/\/[^/]*@|[\w+/=-]{20}/;

function mayBeSecret({ key, value }: Finding): boolean {
  return secretName.test(key) || (typeof value === 'string' && secretText.test(value));
}

const withheld = Symbol('not shown');

/** A value as an error message may show it: one line, short, whatever it is. */
export function shown(value: unknown): string {
  if (value === withheld) return 'not shown';
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 80 });
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
