/**
 * node test/packaging/release.ts [--publish]
 *
 * Builds and checks everything that is published, packs it, and goes through the publishing of every package and
 * of the extension without sending anything. `--publish` sends it: what has no version yet, lies before changes that
 * were not told to users, is not committed or does not say where its sources are is refused first.
 *
 * npm takes packages from the workflow that it was told to trust, or by the token that npm was given. `VSCE_PAT` is
 * the key of the editor's marketplace, `OVSX_PAT` that of Open VSX, which is left out without one.
 */
import { globSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assertAddress } from './address.ts';
import { readManifest } from './contents.ts';
import { askRegistry, assertNoneDeprecated, installedDependencies } from './deprecated.ts';
import { pnpm, run, Steps } from './steps.ts';

const { values: options } = parseArgs({ options: { publish: { type: 'boolean', default: false } } });
const workspace = resolve(import.meta.dirname, '../..');
const path = [join(workspace, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
const extension = join(workspace, 'extensions', 'vscode');
const extensions = join(extension, 'dist', 'packages');
const out = join(workspace, 'node_modules', '.cache', 'release');
const steps = new Steps();
const packages = globSync('packages/*', { cwd: workspace }).map((name) => join(workspace, name));

const inRoot = (command: string, ...parameters: string[]) =>
  run(command, parameters, { cwd: workspace, path });

/** What would go out must be what was told, and what others can build again. */
async function assertReleasable(): Promise<void> {
  const changed = (await inRoot('git', 'status', '--porcelain')).trim();
  if (changed !== '') throw new Error(`Not everything is committed:\n${changed}`);
  const pending = readdirSync(join(workspace, '.changeset')).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
  if (pending.length > 0)
    throw new Error(
      `${pending.length} changes are not in a changelog yet; run pnpm release:version and commit it first.`,
    );
}

/** One version for everything, so that nobody has to ask which fits which. */
function assertVersions(): void {
  const manifests = [...packages, extension].map(readManifest);
  const versions = new Set(manifests.map(({ version }) => version));
  if (versions.size > 1)
    throw new Error(`They differ: ${manifests.map(({ name, version }) => `${name}@${version}`).join(', ')}.`);
  if (options.publish && versions.has('0.0.0'))
    throw new Error('The version is 0.0.0; run pnpm release:version first.');
}

async function publishPackage(folder: string, name: string): Promise<void> {
  const file = `${name.replace('@', '').replace('/', '-')}-${readManifest(folder).version}.tgz`;
  // Whether its origin is attested is said by publishConfig.provenance; a forge has to vouch for it.
  const dry = options.publish ? [] : ['--dry-run'];
  await pnpm(['publish', join(out, file), '--no-git-checks', '--access', 'public', ...dry], {
    cwd: folder,
    path,
  });
}

async function publishExtension(file: string): Promise<void> {
  if (!options.publish) return;
  const place = { cwd: extension, path: [join(extension, 'node_modules', '.bin'), path].join(delimiter) };
  const what = ['publish', '--packagePath', join(extensions, file), '--skip-duplicate'];
  await run('vsce', what, place);
  if (process.env.OVSX_PAT) await run('ovsx', what, place);
}

/** Only what is sent has to say where it comes from. */
function whereSourcesAre(): string | undefined {
  try {
    assertAddress();
    return undefined;
  } catch (error) {
    if (options.publish) throw error;
    return `\`pnpm release --publish\` would refuse this:\n${(error as Error).message}`;
  }
}

if (options.publish) await steps.check('everything is committed, and told to users', assertReleasable);
await steps.check('one version for all', assertVersions);
await steps.check('every manifest says where its sources are', whereSourcesAre);
await steps.check('no dependency is deprecated', () =>
  assertNoneDeprecated(installedDependencies(workspace), askRegistry({ cwd: workspace, path })),
);
rmSync(out, { recursive: true, force: true });
await steps.check('packages: build, pack, look into them, install and use them', async () => {
  await inRoot('node', 'test/packaging/check.ts', out);
});
await steps.check('extension: pack for every platform', async () => {
  await run('node', ['scripts/package.ts', 'all'], { cwd: extension, path });
});
// Nothing is sent unless all of it can be.
if (steps.hasFailed) process.exit(steps.close() ? 0 : 1);
const how = options.publish ? 'publish' : 'publish, dry';
for (const folder of packages) {
  const { name } = readManifest(folder);
  await steps.check(`${name}: ${how}`, () => publishPackage(folder, name));
}
for (const file of readdirSync(extensions))
  await steps.check(`${file}: ${how}`, () => publishExtension(file));
process.exitCode = steps.close() ? 0 : 1;
