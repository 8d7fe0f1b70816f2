/** Files and folders that may be read and not written. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../scene.ts';
import { assertUnharmed, type Begun, type Folders, operations, Program, pathOf } from './operations.ts';

const child = fileURLToPath(new URL('./act-child.ts', import.meta.url));
const NOBODY = 65_534;
// Rights do not hold for the superuser, who has to send somebody else.
const isRoot = process.getuid?.() === 0;
const other = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

function whyNobodyElse(): string | undefined {
  try {
    execFileSync(process.execPath, ['--check', child], { ...other, stdio: 'ignore' });
    return process.getuid === undefined ? 'Rights are told in another way here.' : undefined;
  } catch (error) {
    return `Nobody else may read this project here (${(error as Error).message.split('\n')[0]}).`;
  }
}

const why = whyNobodyElse();
if (why !== undefined) console.info(`${why} Files that cannot be written are not tried.`);

function act(begun: readonly Begun[]): unknown {
  const values = [child, JSON.stringify(begun)];
  return JSON.parse(execFileSync(process.execPath, values, { ...other, encoding: 'utf8' }));
}

function handOver(folders: Folders): void {
  for (const folder of Object.values(folders))
    for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))])
      if (isRoot) chownSync(path, NOBODY, NOBODY);
}

describe.runIf(why === undefined).each(['registry', 'nodes'] as const)('the %s', (file) => {
  it.each([
    { what: 'file', path: (folders: Folders) => pathOf(folders, file), shut: 0o444, open: 0o644 },
    { what: 'folder', path: (folders: Folders) => folders[file], shut: 0o555, open: 0o755 },
  ])('in a $what that cannot be written', async ({ path, shut, open }) => {
    const begun: Begun[] = [];
    for (const { name, writes, begin } of operations) {
      if (!writes.includes(file)) continue;
      const folders = { registry: temporaryFolder(), nodes: temporaryFolder() };
      begun.push({ name, folders, planId: await begin(folders) });
      handOver(folders);
      chmodSync(path(folders), shut);
    }
    expect(act(begun)).toEqual(
      begun.map(({ name, folders }) => ({
        name,
        code: 'DATABASE_READONLY',
        message: expect.stringContaining(pathOf(folders, file)),
      })),
    );
    for (const { folders } of begun) chmodSync(path(folders), open);
    expect(act(begun)).toEqual(begun.map(({ name }) => ({ name })));
    for (const { name, folders, planId } of begun) {
      await using program = await Program.open(folders);
      expect(await operations.find((operation) => operation.name === name)?.isDone(program, planId)).toBe(
        true,
      );
      await assertUnharmed(program);
    }
  });
});
