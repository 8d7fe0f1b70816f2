import { readFileSync, statSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { RegistryError } from '../errors.ts';
import type { Finding } from './findings.ts';

const section = 'embedding_registry';
/** Parsing what is larger takes seconds, and nobody writes it by hand. */
const BYTES_AT_MOST = 1024 * 1024;

/** What a file says in its section, and in the same section below `haim:`; other keys are not ours. */
export interface YamlSections {
  readonly topLevel: readonly Finding[];
  readonly nested: readonly Finding[];
}

/** @throws RegistryError `CONFIG_INVALID` for a file that cannot be read or is not YAML. */
export function readYamlSections(path: string): YamlSections {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw invalidFile(path, `is not valid YAML at line ${line}, column ${col}: ${fault.message}`, fault);
  }
  const file: YamlFile = { path, document, lines };
  const root = mapOf(file, document.contents, 'the file');
  const haim = resolved(file, root?.get('haim', true));
  return {
    topLevel: findingsOf(file, root, section),
    nested: findingsOf(file, isMap(haim) ? haim : undefined, `haim.${section}`),
  };
}

interface YamlFile {
  readonly path: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    const file = statSync(path);
    // A device or pipe might never end.
    if (!file.isFile()) throw new Error('it is a folder, device or pipe');
    if (file.size > BYTES_AT_MOST)
      throw new Error(`it has ${file.size} bytes, and may have ${BYTES_AT_MOST}`);
    bytes = readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidFile(path, `cannot be read (${reason}); pass the path of an existing file, or none`, cause);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    // Read leniently, a path in it would name another file.
    throw invalidFile(path, 'is not UTF-8; save it as UTF-8', cause);
  }
}

function invalidFile(path: string, problem: string, cause?: unknown): RegistryError {
  return new RegistryError('CONFIG_INVALID', `The configuration file ${path} ${problem}.`, {
    details: { path },
    cause,
  });
}

function findingsOf(file: YamlFile, parent: YAMLMap | undefined, name: string): readonly Finding[] {
  const map = mapOf(file, parent?.get(section, true), name);
  return (map?.items ?? []).map(({ key, value }) => ({
    key: isScalar(key) ? String(key.value) : String(key),
    value: plainValue(file, value),
    source: `${file.path}, line ${lineOf(file, key)}, under ${name}`,
  }));
}

/** Nothing at all is an empty map: a section whose settings are all commented out. */
function mapOf(file: YamlFile, node: unknown, what: string): YAMLMap | undefined {
  const value = resolved(file, node);
  if (isMap(value)) return value;
  if (value === null || value === undefined || (isScalar(value) && value.value === null)) return undefined;
  throw invalidFile(file.path, `must hold a mapping of keys to values: ${what} is none`);
}

function resolved(file: YamlFile, node: unknown): unknown {
  if (!isAlias(node)) return node;
  const target = node.resolve(file.document);
  if (target !== undefined) return target;
  throw invalidFile(file.path, `has no anchor for the alias *${node.source}, line ${lineOf(file, node)}`);
}

function plainValue(file: YamlFile, node: unknown): unknown {
  const value = resolved(file, node);
  if (!isScalar(value) && !isCollection(value)) return null;
  // `!env PATH` is no path: what its writer meant by a tag is not known here.
  if (value.tag?.startsWith('!') || value.tag?.includes('/'))
    throw invalidFile(
      file.path,
      `has the unknown tag ${value.tag} at line ${lineOf(file, node)}; write the value itself`,
    );
  if (isScalar(value)) return value.value;
  try {
    return value.toJS(file.document);
  } catch (cause) {
    throw invalidFile(file.path, `uses too many or unknown aliases at line ${lineOf(file, node)}`, cause);
  }
}

function lineOf(file: YamlFile, key: unknown): number {
  const range = (key as { range?: readonly number[] } | null)?.range;
  return file.lines.linePos(range?.[0] ?? 0).line;
}
