/** Installs the packed extension once, for the editors of all files of tests. */
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installExtension } from './editor.ts';
import { makeHome, removeHome } from './home.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder that holds the installed extension. */
    extensions: string;
  }
}

const packages = resolve('extensions/vscode/dist/packages');
export const vsix = join(packages, `embedding-registry-${process.platform}-${process.arch}.vsix`);

export default function install(project: TestProject): () => void {
  const home = makeHome();
  installExtension(home, vsix);
  project.provide('extensions', home.extensions);
  return () => removeHome(home);
}
