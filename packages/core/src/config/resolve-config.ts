import { checkFindings, configInvalid } from './findings.ts';
import { defaultConfig, type RegistryConfig, type ResolvedRegistryConfig } from './settings.ts';

/**
 * Checks what a caller passed and fills in the defaults; `registryDbPath: null` is the default path.
 * @throws RegistryError `CONFIG_INVALID` listing every unknown property and every value that is not allowed
 */
export function resolveConfig(config: RegistryConfig | undefined): ResolvedRegistryConfig {
  const given = Object.entries(asObject(config)).filter(([, value]) => value !== undefined);
  const findings = given.map(([key, value]) => ({ key, value, source: 'the options of the call' }));
  const checked = checkFindings(findings, 'name');
  if (checked.issues.length > 0) throw configInvalid(checked.issues);
  const registryDbPath = checked.config.registryDbPath ?? defaultConfig.registryDbPath;
  return Object.freeze({ ...defaultConfig, ...checked.config, registryDbPath });
}

function asObject(config: unknown): object {
  if (config === undefined) return {};
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
  const source = 'the options of the call';
  const problem = 'is not valid';
  throw configInvalid([{ key: 'config', value: config, source, problem, allowed: 'an object of settings' }]);
}
