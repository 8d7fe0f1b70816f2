import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRegistryError, RegistryError } from '@registry/core';
import { terminal } from '../terminal.ts';
import { checkFile, type NamedDefinition } from './check-file.ts';
import { assertNoSecrets } from './secrets.ts';

/**
 * Runs a configuration file and checks what it exports.
 * @throws RegistryError `CONFIG_INVALID` naming file, key, value and what to do
 */
export async function loadFile(path: string): Promise<readonly NamedDefinition[]> {
  assertNoSecrets(path, readText(path));
  return checkFile(path, await evaluate(path));
}

function readText(path: string): string {
  try {
    // A pipe would be waited for, deaf to Ctrl-C.
    if (!statSync(path).isFile()) throw new Error('it is a folder or device, not a file');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unusable(path, 'cannot be read', cause);
  }
}

/** Said before a line of the file has run: what a compiler may still understand. */
const beyondNode = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNKNOWN_FILE_EXTENSION',
]);

async function evaluate(path: string): Promise<unknown> {
  const load = runsByItself(path) ? imported : transpiled;
  try {
    const module = await load(path);
    return (module as { default?: unknown }).default;
  } catch (cause) {
    if (isRegistryError(cause)) throw unusable(path, `stopped with ${cause.code}`, cause);
    const { name, message } = cause as { name?: unknown; message?: unknown };
    const isSyntax = /SyntaxError|ParseError/.test(`${name} ${message}`);
    throw unusable(path, isSyntax ? 'is not valid TypeScript or JavaScript' : 'failed', cause);
  }
}

async function imported(path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if (beyondNode.has(String((error as { code?: unknown } | null)?.code))) return transpiled(path);
    throw error;
  }
}

/**
 * What this Node takes as a module as it stands: then the file and this program share their packages, and no
 * compiler is loaded. A `.ts` or `.js` without `"type": "module"` beside it counts as CommonJS for Node.
 */
function runsByItself(path: string): boolean {
  const extension = extname(path);
  const isModule = extension.startsWith('.m') || nearestType(dirname(path)) === 'module';
  return isModule && (extension.endsWith('js') || terminal.runsTypeScript);
}

function nearestType(folder: string): unknown {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) return typeIn(manifest);
  return folder === dirname(folder) ? undefined : nearestType(dirname(folder));
}

function typeIn(manifest: string): unknown {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { type?: unknown } | null)?.type;
  } catch (cause) {
    throw unusable(manifest, 'cannot be read as JSON', cause);
  }
}

/** The cache lies in the project only: one in a folder for all would let others write what runs here. */
async function transpiled(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const modules = join(dirname(path), 'node_modules');
  const fsCache = existsSync(modules) ? join(modules, '.cache', 'evr') : false;
  return createJiti(pathToFileURL(path).href, { fsCache }).import(path);
}

function unusable(path: string, what: string, cause: unknown): RegistryError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const reason = said.replaceAll(/\s+/g, ' ').replace(/\.$/, '');
  return new RegistryError(
    'CONFIG_INVALID',
    `${path}${lineOf(path, cause)} ${what}: ${reason}. Mend the file; --verbose shows where it happened, --config chooses another one.`,
    { details: { path }, cause },
  );
}

/** `, line 3` where the stack begins with a place in the file: errors of syntax say it nowhere else. */
function lineOf(path: string, cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  const at = stack.startsWith(pathToFileURL(path).href) ? /^[^\n]*:(\d+)\n/.exec(stack)?.[1] : undefined;
  return at === undefined ? '' : `, line ${at}`;
}
