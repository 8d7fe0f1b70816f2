/** Settings and paths that mean harm: YAML that grows, names other types or hides what it says; paths that end early. */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { EmbeddingVersionManager, loadRegistryConfig } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { evr } from '../../packages/cli/test/evr.ts';
import { refusalOf, temporaryFolder } from '../scene.ts';

const section = 'embedding_registry:\n  ';
const letters = [...'abcdefghijklm'];
/** Twelve lists of nine references each to the one before: 9 to the power of 12 values. */
const bomb = letters
  .map((name, index) => {
    const items = Array(9).fill(index === 0 ? 'x' : `*${letters[index - 1]}`);
    return `${name}: &${name} [${items.join(',')}]\n`;
  })
  .join('');

function configOf(text: string | Buffer) {
  const path = join(temporaryFolder(), 'config.yaml');
  writeFileSync(path, text);
  return () => loadRegistryConfig({ path, env: {} });
}

describe('a YAML file', () => {
  it.each<[string, string | Buffer, RegExp]>([
    ['that grows without end', `${bomb}${section}max_retries: *m\n`, /aliases at line 15/],
    ['that grows under a name of its own', `${bomb}${section}other: *m\n`, /aliases at line 15/],
    ['nested deeper than a stack', `x: ${'['.repeat(5_000)}`, /not valid YAML/],
    ['too large to be written by hand', `x: ${'y'.repeat(1024 * 1024)}`, /may have 1048576/],
    ['that names a function', `${section}registry_db_path: !!js/function "f()"\n`, /unknown tag/],
    ['that names a variable', `${section}registry_db_path: !env DB\n`, /unknown tag !env/],
    ['with a key of every object', `${section}__proto__: { enabled: false }\n`, /"__proto__" is unknown/],
    ['that holds itself', `embedding_registry: &x\n  max_retries: *x\n`, /is not valid/],
    ['in which a path ends early', `${section}registry_db_path: "a\\0b"\n`, /is not valid/],
    ['that is not UTF-8', Buffer.from(`${section}registry_db_path: "\xff\xfe"\n`, 'latin1'), /not UTF-8/],
    ['in UTF-16', Buffer.from(`\ufeff${section}max_retries: 1\n`, 'utf16le'), /not UTF-8/],
  ])('%s is refused', async (_, text, message) => {
    const refusal = await refusalOf(configOf(text));
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
    expect(({} as Record<string, unknown>).enabled).toBeUndefined();
  });

  it('is not hurt by what others put beside the section', () => {
    expect(configOf(`${bomb}__proto__: { embedding_registry: {} }\n${section}max_retries: 1\n`)()).toEqual({
      maxRetries: 1,
    });
  });

  it('that is a device is not read', async () => {
    expect((await refusalOf(() => loadRegistryConfig({ path: '/dev/zero', env: {} }))).code).toBe(
      'CONFIG_INVALID',
    );
  });

  it.each([
    ['qdrant', 'https://admin:hunter2@qdrant.example'],
    ['other', 'sk-proj-abcdefghijklmnopqrstuvwx'],
    ['api_key', 'short'],
    ['database_url', 'postgres://x'],
  ])('tells of the unknown key %s and not what may be a secret', async (key, secret) => {
    const env = { [`HAIM_EMBEDDING_REGISTRY_${key.toUpperCase()}`]: secret };
    for (const load of [configOf(`${section}${key}: "${secret}"\n`), () => loadRegistryConfig({ env })]) {
      const { message, details } = await refusalOf(load);
      expect(message).toContain(key.toUpperCase() in env ? key.toUpperCase() : 'is unknown');
      expect(message + JSON.stringify(details)).not.toContain(secret);
    }
  });
});

it.skipIf(process.getuid?.() !== 0)('a configuration file above, of another user, is not run', async () => {
  const above = temporaryFolder();
  const here = join(above, 'project');
  mkdirSync(here);
  const file = join(above, 'embedding-registry.config.mjs');
  writeFileSync(file, `import { writeFileSync } from 'node:fs'; writeFileSync('${above}/was-run', '');`);
  chownSync(file, 12_345, 12_345);
  const { exitCode, stderr } = await evr(['status'], { cwd: here });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('belongs to another user');
  expect(existsSync(join(above, 'was-run'))).toBe(false);
  // A project that somebody else owns as a whole is taken as it is, such as one that was mounted.
  chownSync(here, 12_345, 12_345);
  await evr(['status'], { cwd: here });
  expect(existsSync(join(above, 'was-run'))).toBe(true);
});

const sparse = (beginning: string) => (path: string) => {
  writeFileSync(path, beginning);
  truncateSync(path, 1e10);
};

describe('a path', () => {
  it.skipIf(process.platform === 'win32').each([
    ['of a pipe that nobody writes to', (path: string) => execFileSync('mkfifo', [path])],
    ['of a folder', (path: string) => mkdirSync(path)],
    ['that leads to itself', (path: string) => symlinkSync(path, path)],
    ['that leads to a device without end', (path: string) => symlinkSync('/dev/zero', path)],
    ['of ten gigabytes of nothing', sparse('')],
    ['of ten gigabytes that begin like a database', sparse('SQLite format 3\0')],
  ])('%s is refused at once, for reading and for writing', async (_, make) => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    make(path);
    for (const readOnly of [true, false]) {
      const refusal = await refusalOf(EmbeddingVersionManager.open({ dbPath: path, readOnly }));
      expect(refusal.code).toMatch(/^DATABASE_(UNAVAILABLE|INVALID|READONLY)$/);
    }
  });

  it('with a null byte opens no file of another name', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'name\0.sqlite');
    const calls: readonly (() => Promise<unknown>)[] = [
      () => EmbeddingVersionManager.open({ dbPath: path }),
      () => EmbeddingVersionManager.open({ dbPath: path, readOnly: true }),
      () => SqliteNodeStore.open({ path }),
      () => SqliteNodeStore.adopt({ path, table: 't' }),
    ];
    for (const call of calls)
      expect((await refusalOf(async () => call())).code).toMatch(/^(DATABASE_UNAVAILABLE|CONFIG_INVALID)$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a report that leads to another file through a link leaves that file alone', async () => {
    const folder = temporaryFolder();
    await using manager = await EmbeddingVersionManager.open({ dbPath: join(folder, 'registry.sqlite') });
    const nodeIds = ['../../up', '/etc/passwd', 'a\0b', '=cmd()'];
    const { planId } = await manager.createMigration({
      targetModelId: 'binary_hdv',
      targetVersion: 1,
      nodeIds,
    });
    const treasure = join(folder, 'treasure');
    writeFileSync(treasure, 'kept');
    symlinkSync(treasure, join(folder, 'report.html'));
    const refusal = await refusalOf(manager.writeReport({ planId, path: join(folder, 'report.html') }));
    expect(refusal.code).toBe('FILE_UNWRITABLE');
    symlinkSync(join(folder, 'nothing'), join(folder, 'dangling.html'));
    await manager.writeReport({ planId, path: join(folder, 'dangling.html') });
    expect(readFileSync(treasure, 'utf8')).toBe('kept');
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });
});

it('identifiers of a table that is adopted are names, whatever they hold', async () => {
  const path = join(temporaryFolder(), 'app.sqlite');
  const table = `t"; DROP TABLE treasure; --'`;
  const [id, content, vector, lang] = ['i"d', 'te]xt', `ve'c`, 'la$.ng"'];
  const raw = new Database(path);
  const named = (name: string) => `"${name.replaceAll('"', '""')}"`;
  raw.exec(`CREATE TABLE treasure (x); CREATE TABLE ${named(table)}
    (${named(id)} TEXT PRIMARY KEY, ${named(content)} TEXT, ${named(vector)} BLOB, ${named(lang)} TEXT);
    INSERT INTO ${named(table)} VALUES ('a', 'text', NULL, 'en')`);
  raw.close();
  const columns = { id, content, vector, metadata: [lang] };
  await SqliteNodeStore.adopt({ path, table, columns, apply: true });
  await using store = await SqliteNodeStore.open({ path, table, columns });
  await store.update('a', { content: 'other' });
  expect(await store.read(['a'])).toMatchObject([{ content: 'other' }]);
  const { items } = await store.scan({ limit: 10, where: { [lang]: 'en' } });
  expect(items.map((node) => node.id)).toEqual(['a']);
  expect((await store.scan({ limit: 10, where: { [lang]: "' OR 1 = 1 --" } })).items).toEqual([]);
  const left = new Database(path, { readonly: true });
  expect(left.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'treasure'").pluck().get()).toBe(1);
  left.close();
});
