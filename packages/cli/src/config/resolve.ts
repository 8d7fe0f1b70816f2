import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { defaultConfig, loadRegistryConfig, type RegistryConfig, resolveConfig } from '@registry/core';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import type { NamedDefinition } from './check-file.ts';
import { findFile } from './find-file.ts';
import { loadFile } from './load-file.ts';

/** What the command line itself says of the configuration. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly registry?: string | undefined;
  readonly db?: string | undefined;
}

/** What a command works with: the settings of all sources, the highest first. */
export interface Resolved {
  /** The configuration file; undefined where there is none. */
  readonly file: string | undefined;
  readonly name: string | undefined;
  readonly dbPath: string;
  readonly config: RegistryConfig;
  readonly definition: NamedDefinition;
}

const noPath = ':memory:';

/**
 * Defaults < `config.yaml` < configuration file < environment < flags. Relative paths count from the folder of
 * the configuration file, which is entered; those of flags and variables from the working directory.
 * @throws RegistryError `CONFIG_INVALID`
 */
export async function resolveConfiguration(flags: ConfigFlags): Promise<Resolved> {
  const start = terminal.startFolder;
  const file = flags.config === undefined ? findFile(start) : terminal.resolvePath(flags.config);
  const root = file === undefined ? start : dirname(file);
  // What the file opens by a relative path is the same from every folder below it.
  if (root !== start) terminal.enter(root);
  const definitions = file === undefined ? [{}] : await loadFile(file);
  const definition = chosen(definitions, flags.registry, file);
  const yaml = join(root, 'config.yaml');
  const fromYaml = existsSync(yaml) ? loadRegistryConfig({ path: yaml, env: {} }) : {};
  const variables = loadRegistryConfig({ env: terminal.environment });
  const within = { ...fromYaml, ...definition.registry };
  const path = flags.db ?? variables.registryDbPath;
  const dbPath = path ? at(start, path) : at(root, within.registryDbPath ?? defaultConfig.registryDbPath);
  const config = { ...within, ...variables, registryDbPath: dbPath };
  resolveConfig(config);
  return { file, name: definition.name, dbPath, config, definition };
}

/** In one spelling, however it was written: the editor and `assertApart` compare paths. */
function at(folder: string, path: string): string {
  return path === noPath ? path : resolve(folder, path);
}

function chosen(
  definitions: readonly NamedDefinition[],
  wanted: string | undefined,
  file: string | undefined,
): NamedDefinition {
  const names = definitions.flatMap(({ name }) => name ?? []);
  const found = definitions.find(({ name }) => name === wanted) ?? (wanted ? undefined : definitions[0]);
  if (found !== undefined && (wanted !== undefined || definitions.length === 1)) return found;
  if (names.length === 0)
    throw new UsageError(
      `There is no registry ${JSON.stringify(wanted)}: ${file ?? 'no configuration file'} names none.`,
      {
        advice: 'Leave --registry out, or name registries under `registries` in the configuration file.',
      },
    );
  const said =
    wanted === undefined
      ? `${file} names several registries.`
      : `There is no registry ${JSON.stringify(wanted)}.`;
  throw new UsageError(said, {
    code: wanted === undefined ? 'AMBIGUOUS' : 'USAGE',
    advice: `Choose with --registry: ${names.join(', ')}.`,
    details: { registries: names },
  });
}
