import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';

const notOurs = new Set(['node_modules', 'dist', '.git', '.demo', 'coverage']);

/** Text files that are, or will be, committed. Without git, since a downloaded copy has none. */
export function committedTexts(folder = '.'): readonly { readonly path: string; readonly text: string }[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !notOurs.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return committedTexts(path);
      const text = entry.isFile() ? readFileSync(path, 'utf8') : '\0';
      return text.includes('\0') ? [] : [{ path, text }];
    });
}

// A path begins after a blank, a quote or a bracket; inside a word or a URL the same letters mean nothing.
const before = /(^|[\s"'`(=<[:])/.source;
const somebodysFolder = new RegExp(`${before}(/(home|Users|root)/\\w|[A-Z]:\\\\{1,2}Users\\\\)`, 'm');
const packageHost =
  /https?:\/\/[^\s"'/]*(registry|artifactory|nexus|verdaccio|npmjs\.org|npmmirror)|_auth(?:Token)?=/i;

// A folder right below the root, as containers have it, is too short a name to tell it from other text.
const thisMachine = [process.cwd(), homedir()].filter((folder) => folder.split(sep).length > 2);

/** Where a text names a folder of one machine, or the host that packages come from. */
export function machineTraces(path: string, text: string, folders = thisMachine): readonly string[] {
  const named = folders.filter((folder) => {
    const literally = folder.replaceAll(/[^\w/]/g, '\\$&');
    return new RegExp(`${before}${literally}[/\\\\]`, 'm').test(text);
  });
  const traces = [...named, somebodysFolder.exec(text)?.[0].trim(), packageHost.exec(text)?.[0]];
  return traces.filter((trace) => trace !== undefined).map((trace) => `${path} names ${trace}`);
}
