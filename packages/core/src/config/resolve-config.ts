import { checkFindings, configInvalid } from './findings.ts';
import { defaultConfig, type RegistryConfig, type ResolvedRegistryConfig } from './settings.ts';

const ofTheCall = 'the options of the call';

/**
 * Checks what a caller passed and fills in the defaults; `registryDbPath: null` is the default path. `source`
 * says in errors where the settings stand.
 * @throws RegistryError `CONFIG_INVALID` listing every unknown property and every value that is not allowed
 */
export function resolveConfig(
  config: RegistryConfig | undefined,
  source: string = ofTheCall,
): ResolvedRegistryConfig {
  const given = Object.entries(asObject(config, source)).filter(([, value]) => value !== undefined);
  const findings = given.map(([key, value]) => ({ key, value, source }));
  const checked = checkFindings(findings, 'name');
  if (checked.issues.length > 0) throw configInvalid(checked.issues);
  const registryDbPath = checked.config.registryDbPath ?? defaultConfig.registryDbPath;
  return Object.freeze({ ...defaultConfig, ...checked.config, registryDbPath });
}

function asObject(config: unknown, source: string): object {
  if (config === undefined) return {};
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
  const problem = 'is not valid';
  throw configInvalid([{ key: 'config', value: config, source, problem, allowed: 'an object of settings' }]);
}
