/**
 * node test/packaging/address.ts https://<forge>/<owner>/<repository>
 *
 * Writes where the sources are into the manifest of every package and of the extension: once, by whoever knows.
 * npm attests an origin only where a manifest names it.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const workspace = resolve(import.meta.dirname, '../..');

interface Address {
  readonly repository?: { readonly type: string; readonly url: string; readonly directory: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
  readonly publishConfig?: { readonly provenance?: boolean };
}

/** Folders of what is published, from the root of the workspace. */
export const publishedFolders: readonly string[] = globSync(['packages/*', 'extensions/*'], {
  cwd: workspace,
})
  .map((folder) => folder.replaceAll('\\', '/'))
  .sort();

/** The same manifest with the address in it; a package's origin is attested from then on. */
export function withAddress<Manifest extends Address>(
  manifest: Manifest,
  forge: string,
  directory: string,
): Manifest & Address {
  const { publishConfig } = manifest;
  return {
    ...manifest,
    repository: { type: 'git', url: `git+${forge}.git`, directory },
    homepage: `${forge}/tree/main/${directory}#readme`,
    bugs: { url: `${forge}/issues` },
    ...(publishConfig && { publishConfig: { ...publishConfig, provenance: true } }),
  };
}

/** What manifests lack of one and the same address, each with the folder it is of. */
export function addressFaults(manifests: Readonly<Record<string, Address>>): readonly string[] {
  const urls = new Set(Object.values(manifests).map(({ repository }) => repository?.url));
  return Object.entries(manifests).flatMap(([folder, { repository, homepage, bugs, publishConfig }]) => [
    ...(repository === undefined ? [`${folder} has no repository`] : []),
    ...(repository && urls.size > 1 ? [`${folder} is at ${repository.url}`] : []),
    ...(repository && repository.directory !== folder ? [`${folder} says ${repository.directory}`] : []),
    ...(homepage && bugs ? [] : [`${folder} has no homepage or no bugs`]),
    ...(publishConfig && publishConfig.provenance !== true ? [`${folder} is not to be attested`] : []),
  ]);
}

/** @throws Error saying what to run, where a manifest does not say where its sources are */
export function assertAddress(): void {
  const faults = addressFaults(
    Object.fromEntries(publishedFolders.map((folder) => [folder, readManifest(folder)])),
  );
  if (faults.length > 0)
    throw new Error(
      `Nothing tells people and npm where the sources are; run \`pnpm release:address https://<forge>/<owner>/<repository>\` once, and commit what it writes.\n${faults.join('\n')}`,
    );
}

const readManifest = (folder: string) =>
  JSON.parse(readFileSync(join(workspace, folder, 'package.json'), 'utf8')) as Address;

if (import.meta.main) {
  const forge = process.argv[2] ?? '';
  if (!/^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/.test(forge) || forge.endsWith('.git')) {
    console.error(`Name it like https://<forge>/<owner>/<repository> (was ${JSON.stringify(forge)}).`);
    process.exit(1);
  }
  for (const folder of publishedFolders) {
    const manifest = withAddress(readManifest(folder), forge, folder);
    writeFileSync(join(workspace, folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    console.log(`${folder}/package.json`);
  }
}
