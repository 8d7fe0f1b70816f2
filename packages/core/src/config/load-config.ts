import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { parseOptions } from '../options.ts';
import { type ConfigIssue, checkFindings, configInvalid, type Finding, shown } from './findings.ts';
import type { RegistryConfig } from './settings.ts';
import { type Environment, readVariables } from './variables.ts';
import { readYamlSections } from './yaml-file.ts';

/** Where the configuration comes from. */
export interface LoadConfigOptions {
  /** A `config.yaml`, relative to the working directory. Without it no file is read, not even a default one. */
  readonly path?: string;
  /** Where to look for the `HAIM_EMBEDDING_REGISTRY_*` variables, usually `process.env`. */
  readonly env: Environment;
}

const optionsSchema = z.strictObject({
  path: z.string('must be the path of a file').min(1, 'must be the path of a file').optional(),
  env: z.custom<Environment>(
    (env) => typeof env === 'object' && env !== null,
    'must be an object of variables, such as process.env or {}',
  ),
});

/**
 * Reads the `embedding_registry:` section of a YAML file (at top level or under `haim:`) and the
 * variables, which win. Pass the result to `open({ config })`; spread it to override settings of it.
 * @throws RegistryError `CONFIG_INVALID` listing every unknown key and every value that is not allowed
 */
export function loadRegistryConfig(options: LoadConfigOptions): RegistryConfig {
  const { path, env } = parseOptions(
    optionsSchema,
    options,
    'options of loadRegistryConfig',
    'CONFIG_INVALID',
  );
  const file = path === undefined ? nothing : readFile(path);
  const variables = checkFindings(readVariables(env), 'variable');
  const issues = [...file.issues, ...variables.issues];
  if (issues.length > 0) throw configInvalid(issues);
  return Object.freeze({ ...file.config, ...variables.config });
}

const nothing = checkFindings([], 'key');

function readFile(path: string): ReturnType<typeof checkFindings> {
  const { topLevel, nested } = readYamlSections(path);
  const checked = checkFindings([...topLevel, ...nested], 'key');
  return { ...checked, issues: [...checked.issues, ...contradictions(topLevel, nested)] };
}

function contradictions(topLevel: readonly Finding[], nested: readonly Finding[]): readonly ConfigIssue[] {
  const others = new Map(topLevel.map((finding) => [finding.key, finding]));
  return nested.flatMap((finding) => {
    const other = others.get(finding.key);
    if (other === undefined || isDeepStrictEqual(other.value, finding.value)) return [];
    const problem = `contradicts ${shown(other.value)} (from ${other.source})`;
    return [{ ...finding, problem, allowed: 'one place, or the same value in both' }];
  });
}
