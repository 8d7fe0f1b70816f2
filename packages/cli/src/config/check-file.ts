import { dirname, resolve } from 'node:path';
import { RegistryError, resolveConfig } from '@registry/core';
import type { RegistryDefinition } from './registry-file.ts';

/** A definition that was checked; without a name where the file holds one registry. */
export interface NamedDefinition extends RegistryDefinition {
  readonly name?: string;
}

/** What a key may hold, and what it must not. */
const keys: Readonly<
  Record<keyof RegistryDefinition, { holds: (value: unknown) => boolean; allowed: string }>
> = {
  registry: {
    holds: isPlain,
    allowed: "an object of settings, such as { registryDbPath: './data/registry.sqlite' }",
  },
  nodeStore: {
    holds: (value) => typeof value === 'function',
    allowed:
      "a function that opens the store, such as () => SqliteNodeStore.open({ path: './nodes.sqlite' })",
  },
  embedders: {
    holds: (value) => Array.isArray(value) || typeof value === 'function',
    allowed: 'a list of embedders, such as [hashedNgram()], or a function that makes it',
  },
  allowUnfenced: { holds: (value) => typeof value === 'boolean', allowed: 'true or false' },
};
const secretName = /key|secret|token|password|credential/i;

/** @throws RegistryError `CONFIG_INVALID` naming file, key and value (unless it may be a secret) */
export function checkFile(path: string, exported: unknown): readonly NamedDefinition[] {
  if (!isPlain(exported))
    throw new RegistryError(
      'CONFIG_INVALID',
      `${path} exports ${shape(exported)} by default; write export default defineRegistryConfig({ … }).`,
      { details: { path } },
    );
  if (!('registries' in exported)) return [checkDefinition(path, '', exported)];
  const beside = Object.keys(exported).filter((key) => key !== 'registries');
  if (beside.length > 0)
    refuse(path, beside.join(', '), 'stands beside registries', 'Move it into each registry that it is for.');
  const { registries } = exported;
  if (!isPlain(registries) || Object.keys(registries).length === 0)
    refuse(path, 'registries', `is ${shape(registries)}`, 'Allowed: an object of registries by name.');
  const definitions = Object.entries(registries as object).map(([name, definition]) => {
    const key = `registries.${name}`;
    if (!isPlain(definition)) refuse(path, key, `is ${shape(definition)}`, 'Allowed: an object.');
    return { ...checkDefinition(path, `${key}.`, definition as object), name };
  });
  assertApart(path, definitions);
  return definitions;
}

function checkDefinition(path: string, prefix: string, definition: object): RegistryDefinition {
  for (const [key, value] of Object.entries(definition)) {
    const rule = Object.hasOwn(keys, key) ? keys[key as keyof RegistryDefinition] : undefined;
    if (rule === undefined && secretName.test(key))
      refuse(
        path,
        prefix + key,
        'looks like a secret (its value is not shown)',
        "Remove it from the file; embedders take a function instead, as in apiKey: () => process.env.OPENAI_API_KEY ?? ''.",
      );
    if (rule === undefined)
      refuse(
        path,
        prefix + key,
        `is unknown (it is ${shape(value)})`,
        `Allowed: ${Object.keys(keys).join(', ')}.`,
      );
    if (value !== undefined && !rule.holds(value))
      refuse(path, prefix + key, `is ${shape(value)}`, `Allowed: ${rule.allowed}.`);
  }
  const checked = definition as RegistryDefinition;
  resolveConfig(checked.registry, `${prefix}registry of ${path}`);
  return checked;
}

/** Two collections are two registries, and so two files. */
function assertApart(path: string, definitions: readonly NamedDefinition[]): void {
  const taken = new Map<string, string>();
  for (const { name = '', registry } of definitions) {
    const file = registry?.registryDbPath ?? undefined;
    if (definitions.length > 1 && file === undefined)
      refuse(
        path,
        `registries.${name}.registry.registryDbPath`,
        'is absent',
        `Give each registry a file of its own, such as './data/${name}.sqlite'.`,
      );
    const whole = resolve(dirname(path), file ?? '');
    const other = file === undefined ? undefined : taken.get(whole);
    if (other !== undefined)
      refuse(
        path,
        `registries.${name}.registry.registryDbPath`,
        `is ${JSON.stringify(file)}, as that of ${other}`,
        'Give each registry a file of its own.',
      );
    if (file !== undefined) taken.set(whole, name);
  }
}

function refuse(path: string, key: string, problem: string, remedy: string): never {
  throw new RegistryError('CONFIG_INVALID', `${path}: "${key}" ${problem}. ${remedy}`, {
    details: { path, key },
  });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as an error may show it: short, and without what an object holds. */
function shape(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text;
}
