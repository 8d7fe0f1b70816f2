import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultConfig, loadRegistryConfig, type RegistryConfig, resolveConfig } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'registry-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function yamlFile(text: string): string {
  const path = join(folder, `config-${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}

const fromYaml = (text: string, env: Record<string, string> = {}) =>
  loadRegistryConfig({ path: yamlFile(text), env });
const fromVariables = (variables: Record<string, string>) =>
  loadRegistryConfig({
    env: Object.fromEntries(Object.entries(variables).map(([k, v]) => [`HAIM_EMBEDDING_REGISTRY_${k}`, v])),
  });

const documented = `embedding_registry:
  enabled: true
  registry_db_path: null  # Defaults to ./data/embedding_registry.sqlite
  auto_migrate: false
  migration_batch_size: 100
  migration_throttle_ms: 10
  max_parallel_workers: 2
  backup_old_vectors: true
  max_retries: 3
  worker_enabled: true
`;

const others: Required<RegistryConfig> = {
  enabled: false,
  registryDbPath: './other.sqlite',
  autoMigrate: true,
  migrationBatchSize: 7,
  migrationThrottleMs: 0,
  maxParallelWorkers: 64,
  backupOldVectors: false,
  maxRetries: 0,
  workerEnabled: false,
};

describe('a configuration file', () => {
  it('holds the nine documented settings, whose documented values are the defaults', () => {
    const config = fromYaml(documented);
    expect(Object.keys(config)).toHaveLength(9);
    expect(resolveConfig(config)).toEqual(defaultConfig);
  });

  it('sets each of the nine', () => {
    const text = `embedding_registry:
  enabled: false
  registry_db_path: ./other.sqlite
  auto_migrate: true
  migration_batch_size: 7
  migration_throttle_ms: 0
  max_parallel_workers: 64
  backup_old_vectors: false
  max_retries: 0
  worker_enabled: false
`;
    expect(fromYaml(text)).toEqual(others);
    expect(resolveConfig(fromYaml(text))).toEqual(others);
  });

  it('may nest the section under haim: and hold keys of others at both levels', () => {
    const config = fromYaml(
      'haim:\n  dimensionality: 16384\n  embedding_registry:\n    max_retries: 5\nlogging: {level: debug}\n',
    );
    expect(config).toEqual({ maxRetries: 5 });
  });

  it('may hold both sections where they agree or complete each other', () => {
    const config = fromYaml(
      'embedding_registry: {max_retries: 5, enabled: true}\nhaim: {embedding_registry: {max_retries: 5, auto_migrate: true}}\n',
    );
    expect(config).toEqual({ maxRetries: 5, enabled: true, autoMigrate: true });
  });

  it.each([
    ['is empty', ''],
    ['holds only comments', '# nothing yet\n'],
    ['has a section whose settings are all commented out', 'embedding_registry:\n  # enabled: false\n'],
    ['belongs to others', 'haim: 5\nlogging: on\n'],
  ])('says nothing when it %s', (_, text) => {
    expect(fromYaml(text)).toEqual({});
  });

  it('may use anchors', () => {
    expect(fromYaml('small: &small 5\nembedding_registry: {migration_batch_size: *small}\n')).toEqual({
      migrationBatchSize: 5,
    });
    expect(fromYaml('mine: &mine {max_retries: 1}\nhaim: &haim\n  embedding_registry: *mine\n')).toEqual({
      maxRetries: 1,
    });
  });

  it('is only read where its path is passed', () => {
    const before = process.cwd();
    writeFileSync(join(folder, 'config.yaml'), 'embedding_registry: {enabled: false}\n');
    process.chdir(folder);
    try {
      expect(loadRegistryConfig({ env: {} })).toEqual({});
      expect(loadRegistryConfig({ path: 'config.yaml', env: {} })).toEqual({ enabled: false });
    } finally {
      process.chdir(before);
    }
  });
});

describe('variables', () => {
  it('set each of the eight documented settings and the path', () => {
    const config = fromVariables({
      ENABLED: 'false',
      DB_PATH: './other.sqlite',
      AUTO_MIGRATE: 'true',
      MIGRATION_BATCH_SIZE: '7',
      MIGRATION_THROTTLE_MS: '0',
      MAX_PARALLEL_WORKERS: ' 64 ',
      BACKUP_OLD_VECTORS: 'false',
      MAX_RETRIES: '0',
      WORKER_ENABLED: 'false',
    });
    expect(config).toEqual(others);
  });

  it.each(['true', '1', 'yes', 'on', 'TRUE', 'Yes', ' on '])('read %j as true', (text) => {
    expect(fromVariables({ AUTO_MIGRATE: text })).toEqual({ autoMigrate: true });
  });

  it.each(['false', '0', 'no', 'off', 'FALSE', 'No', 'OFF'])('read %j as false', (text) => {
    expect(fromVariables({ ENABLED: text })).toEqual({ enabled: false });
  });

  it('are taken from what the caller passed, never from the process', () => {
    process.env.HAIM_EMBEDDING_REGISTRY_ENABLED = 'false';
    try {
      expect(loadRegistryConfig({ env: {} })).toEqual({});
      expect(resolveConfig(undefined).enabled).toBe(true);
      expect(loadRegistryConfig({ env: process.env })).toEqual({ enabled: false });
    } finally {
      delete process.env.HAIM_EMBEDDING_REGISTRY_ENABLED;
    }
  });

  it('without our prefix are not ours; one that is not set says nothing', () => {
    const env = { PATH: '/bin', HAIM_DIMENSIONALITY: '64', HAIM_EMBEDDING_REGISTRY_ENABLED: undefined };
    expect(loadRegistryConfig({ env })).toEqual({});
  });
});

describe('precedence', () => {
  it('is defaults, file, variables, options of the call', () => {
    const text = 'embedding_registry: {migration_batch_size: 2, max_retries: 2, max_parallel_workers: 3}\n';
    const config = fromYaml(text, {
      HAIM_EMBEDDING_REGISTRY_MIGRATION_BATCH_SIZE: '4',
      HAIM_EMBEDDING_REGISTRY_MAX_RETRIES: '4',
    });
    const resolved = resolveConfig({ ...config, maxRetries: 6 });
    expect(resolved).toEqual({
      ...defaultConfig,
      maxParallelWorkers: 3,
      migrationBatchSize: 4,
      maxRetries: 6,
    });
  });

  it('lets a variable win over a path in the file, and a null in code over both', () => {
    const config = fromYaml('embedding_registry: {registry_db_path: a.sqlite}\n', {
      HAIM_EMBEDDING_REGISTRY_DB_PATH: 'b.sqlite',
    });
    expect(resolveConfig(config).registryDbPath).toBe('b.sqlite');
    expect(resolveConfig({ ...config, registryDbPath: null }).registryDbPath).toBe(
      './data/embedding_registry.sqlite',
    );
  });
});

describe('a resolved configuration', () => {
  it('is complete without any configuration', () => {
    expect(resolveConfig(undefined)).toEqual(resolveConfig({}));
    expect(resolveConfig({ enabled: undefined } as unknown as RegistryConfig)).toEqual(defaultConfig);
    expect(defaultConfig).toEqual({
      enabled: true,
      registryDbPath: './data/embedding_registry.sqlite',
      autoMigrate: false,
      migrationBatchSize: 100,
      migrationThrottleMs: 10,
      maxParallelWorkers: 2,
      backupOldVectors: true,
      maxRetries: 3,
      workerEnabled: true,
    });
  });

  it('is frozen, as is a loaded one', () => {
    expect(Object.isFrozen(resolveConfig({}))).toBe(true);
    expect(Object.isFrozen(loadRegistryConfig({ env: {} }))).toBe(true);
  });
});
