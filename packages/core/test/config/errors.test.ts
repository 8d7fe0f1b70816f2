import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isRegistryError, loadRegistryConfig, type RegistryConfig, resolveConfig } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'registry-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isRegistryError(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

const path = join(folder, 'config.yaml');
function yamlMessage(text: string): string {
  writeFileSync(path, text);
  return messageOf(() => loadRegistryConfig({ path, env: {} }));
}
const section = (line: string) => yamlMessage(`# first line\nembedding_registry:\n  ${line}\n`);
const variable = (name: string, text: string) =>
  messageOf(() => loadRegistryConfig({ env: { [`HAIM_EMBEDDING_REGISTRY_${name}`]: text } }));
const option = (config: object) => messageOf(() => resolveConfig(config as RegistryConfig));

const numbers = [
  ['migration_batch_size', 'migrationBatchSize', 1, 10_000, 'nodes from 1 to 10,000'],
  ['migration_throttle_ms', 'migrationThrottleMs', 0, 3_600_000, 'milliseconds from 0 to 3,600,000'],
  ['max_parallel_workers', 'maxParallelWorkers', 1, 64, 'batches from 1 to 64'],
  ['max_retries', 'maxRetries', 0, 100, 'attempts from 0 to 100'],
] as const;

it('names the source that a caller gives', () => {
  const text = messageOf(() => resolveConfig({ maxRetries: -1 }, 'registry of a.config.ts'));
  expect(text).toContain('"maxRetries" is not valid (was -1, from registry of a.config.ts)');
});

describe.each(numbers)('%s', (key, name, minimum, maximum, allowed) => {
  it('accepts both ends of its range from every source', () => {
    for (const value of [minimum, maximum]) {
      writeFileSync(path, `embedding_registry: {${key}: ${value}}\n`);
      const env = { [`HAIM_EMBEDDING_REGISTRY_${key.toUpperCase()}`]: String(value) };
      expect(loadRegistryConfig({ path, env: {} })).toEqual({ [name]: value });
      expect(loadRegistryConfig({ env })).toEqual({ [name]: value });
      expect(resolveConfig({ [name]: value })[name]).toBe(value);
    }
  });

  it('refuses what is outside its range, naming key, value, source and range', () => {
    for (const value of [minimum - 1, maximum + 1]) {
      const inFile = section(`${key}: ${value}`);
      expect(inFile).toContain(`"${key}" is not valid (was ${value}, from ${path}, line 3, under`);
      expect(inFile).toContain(allowed);
      const inVariable = variable(key.toUpperCase(), String(value));
      expect(inVariable).toContain(`"HAIM_EMBEDDING_REGISTRY_${key.toUpperCase()}" is not valid`);
      expect(inVariable).toContain(`(was ${value}, from the environment); allowed: a whole number`);
      expect(inVariable).toContain(allowed);
      expect(option({ [name]: value })).toContain(`"${name}" is not valid (was ${value}, from the options`);
    }
  });

  it('refuses other types', () => {
    for (const text of ['2.5', '"5"', 'true', 'null', '.nan', '.inf', '[5]', '{a: 5}', 'many'])
      expect(section(`${key}: ${text}`)).toContain(allowed);
    for (const text of ['', '2.5', '1e2', '0x10', '5 nodes', 'NaN'])
      expect(variable(key.toUpperCase(), text)).toContain(allowed);
    for (const value of [2.5, '5', true, null, Number.NaN, Number.POSITIVE_INFINITY, [5], 5n])
      expect(option({ [name]: value })).toContain(allowed);
  });
});

describe('switches', () => {
  it.each(['2', 'maybe', '', 'y', 'truefalse', 'constructor'])('refuse %j in a variable', (text) => {
    expect(variable('ENABLED', text)).toBe(
      `Invalid configuration: "HAIM_EMBEDDING_REGISTRY_ENABLED" is not valid (was '${text}', from the environment); allowed: true, 1, yes, on, false, 0, no or off.`,
    );
  });

  it.each(['yes', '1', '"true"', 'null', ''])('refuse %j in a file', (text) => {
    expect(section(`worker_enabled: ${text}`)).toMatch(
      /"worker_enabled" is not valid .* allowed: true or false\./,
    );
  });

  it('refuse words and numbers in code', () => {
    for (const value of ['true', 1, null]) expect(option({ autoMigrate: value })).toContain('true or false');
  });
});

describe('the path of the database', () => {
  it('is text that is not blank', () => {
    for (const text of ['5', 'true', '""', '" "', '[a]'])
      expect(section(`registry_db_path: ${text}`)).toContain('null');
    expect(variable('DB_PATH', '')).toContain('allowed: the path of a file.');
    expect(option({ registryDbPath: '' })).toContain('"registryDbPath" is not valid');
  });
});

describe('unknown names', () => {
  it.each([
    ['migration_batchsize', 'migration_batch_size'],
    ['migrationThrottleMs', 'migration_throttle_ms'],
    ['enable', 'enabled'],
    ['max_retry', 'max_retries'],
    ['db_path', 'registry_db_path'],
  ])('%s in a file: did you mean %s?', (written, meant) => {
    const message = section(`${written}: 5`);
    expect(message).toContain(
      `"${written}" is unknown, did you mean "${meant}"? (was 5, from ${path}, line 3,`,
    );
    expect(message).toContain('allowed: enabled, registry_db_path, auto_migrate,');
  });

  it.each([
    ['MAX_RETRYS', 'MAX_RETRIES'],
    ['PATH', 'DB_PATH'],
    ['BATCH_SIZE', 'MIGRATION_BATCH_SIZE'],
    ['enabled', 'ENABLED'],
  ])('%s among the variables: did you mean %s?', (written, meant) => {
    const prefix = 'HAIM_EMBEDDING_REGISTRY_';
    const message = variable(written, '5');
    expect(message).toContain(`"${prefix}${written}" is unknown, did you mean "${prefix}${meant}"?`);
  });

  it('in code: suggests the property', () => {
    expect(option({ batchSize: 5 })).toContain('"batchSize" is unknown, did you mean "migrationBatchSize"?');
    expect(option({ auto_migrate: true })).toContain('did you mean "autoMigrate"?');
  });

  it('suggest nothing where nothing is near', () => {
    expect(section('colour: red')).toContain(`"colour" is unknown (was 'red', from`);
    expect(option({ __proto__null: 1 })).toContain('"__proto__null" is unknown (was 1');
  });

  it('do not put a stray secret into the message', () => {
    for (const message of [
      section('api_key: hunter2'),
      variable('API_TOKEN', 'hunter2'),
      option({ password: 'hunter2' }),
    ]) {
      expect(message).toContain('is unknown (was not shown,');
      expect(message).not.toContain('hunter2');
    }
  });
});

describe('files that cannot be used', () => {
  it('says so of a path that does not exist, or is a folder', () => {
    const missing = join(folder, 'missing.yaml');
    const message = messageOf(() => loadRegistryConfig({ path: missing, env: {} }));
    expect(message).toContain(`${missing} cannot be read (ENOENT`);
    const directory = join(folder, 'directory.yaml');
    mkdirSync(directory);
    expect(messageOf(() => loadRegistryConfig({ path: directory, env: {} }))).toContain(
      'cannot be read (it is a folder',
    );
  });

  it.each([
    ['a tab for indentation', 'a: 1\nembedding_registry:\n\tenabled: true\n', 'line 3, column 1'],
    ['a key twice', 'embedding_registry:\n  enabled: true\n  enabled: false\n', 'line 3, column 3'],
    ['a bracket left open', 'embedding_registry: {enabled: true\n', 'is not valid YAML at line'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'is not valid YAML at line 2'],
    ['a list', '- embedding_registry\n', 'the file is none'],
    ['a section that is a list', 'embedding_registry: [enabled]\n', 'embedding_registry is none'],
    ['a nested section that is text', 'haim: {embedding_registry: on}\n', 'haim.embedding_registry is none'],
    ['an alias without an anchor', 'embedding_registry:\n  registry_db_path: *x\n', 'alias *x, line 2'],
  ])('says where in a file with %s', (_, text, where) => {
    const message = yamlMessage(text);
    expect(message).toContain(path);
    expect(message).toContain(where);
  });

  it('refuses aliases that explode or turn in circles', () => {
    const bomb = Array.from({ length: 12 }, (_, i) => `l${i}: &l${i} [${i ? `*l${i - 1},`.repeat(9) : 'x'}]`);
    expect(yamlMessage(`${bomb.join('\n')}\nembedding_registry: {max_retries: *l11}\n`)).toContain('aliases');
    expect(yamlMessage('embedding_registry: {max_retries: &a [*a]}\n')).toContain('max_retries');
  });
});

describe('reports', () => {
  it('list every issue of file and variables at once, also as data', () => {
    writeFileSync(path, 'embedding_registry: {max_retries: -1, enable: true}\n');
    try {
      loadRegistryConfig({ path, env: { HAIM_EMBEDDING_REGISTRY_MIGRATION_BATCH_SIZE: '0' } });
      expect.unreachable();
    } catch (error) {
      if (!isRegistryError(error, 'CONFIG_INVALID')) throw error;
      const issues = error.details.issues as {
        key: string;
        value: string;
        source: string;
        allowed: string;
      }[];
      expect(issues.map(({ key, value }) => [key, value])).toEqual([
        ['max_retries', '-1'],
        ['enable', 'true'],
        ['HAIM_EMBEDDING_REGISTRY_MIGRATION_BATCH_SIZE', '0'],
      ]);
      expect(issues[0]?.source).toBe(`${path}, line 1, under embedding_registry`);
    }
  });

  it('name both places of a contradiction', () => {
    const message = yamlMessage(
      'embedding_registry:\n  max_retries: 1\nhaim:\n  embedding_registry:\n    max_retries: 2\n',
    );
    expect(message).toContain(`"max_retries" contradicts 1 (from ${path}, line 2, under embedding_registry)`);
    expect(message).toContain(`(was 2, from ${path}, line 5, under haim.embedding_registry)`);
  });

  it('cut long values', () => {
    expect(section(`enabled: ${'x'.repeat(5000)}`).length).toBeLessThan(500);
  });

  it('refuse a configuration that is no object, and calls without an environment', () => {
    for (const config of [null, 'config.yaml', ['enabled'], 5])
      expect(messageOf(() => resolveConfig(config as unknown as RegistryConfig))).toContain(
        'an object of settings',
      );
    expect(messageOf(() => loadRegistryConfig({} as never))).toContain('process.env');
    expect(messageOf(() => loadRegistryConfig({ path: '', env: {} }))).toContain(
      'must be the path of a file',
    );
    expect(messageOf(() => loadRegistryConfig({ file: path, env: {} } as never))).toContain('file');
  });
});
