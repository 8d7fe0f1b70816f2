/**
 * The suite of `host/` in VS Code on a desktop, where there is one or it may be downloaded; elsewhere that is
 * said aloud, and the tests in the real workbench are the ones that count. What starts it is tested everywhere,
 * with a program that stands in.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findDesktop, runOnDesktop } from './desktop.ts';
import { type Home, makeHome, removeHome } from './home.ts';
import { prepareHostSuite } from './host-suite.ts';

function temporaryHome(): Home {
  const home = makeHome();
  onTestFinished(() => removeHome(home));
  return home;
}

const desktop = await findDesktop(process.env);
if ('missing' in desktop)
  console.warn(
    `NOT RUN in VS Code on a desktop: ${desktop.missing}. Set VSCODE_EXECUTABLE to run it; the workbench tests count.`,
  );

it.skipIf('missing' in desktop)(
  'the suite inside the extension host of VS Code passes',
  async () => {
    const home = temporaryHome();
    const suite = await prepareHostSuite(home);
    await runOnDesktop((desktop as { executable: string }).executable, home, suite);
    expect(suite.result().cases.filter(({ fault }) => fault !== undefined)).toEqual([]);
  },
  300_000,
);

/** Plays VS Code: notes how it was started, and ends as it is told. */
function standIn({ folder }: Home, exitCode: number): { executable: string; started: () => Started } {
  const executable = join(folder, 'code');
  const note = join(folder, 'started.json');
  writeFileSync(
    executable,
    `#!${process.execPath}
const { writeFileSync } = require('node:fs');
console.log('what VS Code says');
writeFileSync(${JSON.stringify(note)}, JSON.stringify({ parameters: process.argv.slice(2), report: process.env.HOST_RESULT }));
process.exitCode = ${exitCode};
`,
  );
  chmodSync(executable, 0o755);
  return { executable, started: () => JSON.parse(readFileSync(note, 'utf8')) as Started };
}

interface Started {
  readonly parameters: readonly string[];
  readonly report: string;
}

const suiteOf = ({ folder }: Home) => ({
  extension: '/the/extension',
  program: '/the/suite.cjs',
  env: { HOST_RESULT: join(folder, 'result.json') },
  result: () => ({ cases: [], figures: {} }),
});

describe('what starts VS Code', () => {
  it('gives it the extension, the suite, the workspace and folders of their own', async () => {
    const home = temporaryHome();
    const { executable, started } = standIn(home, 0);
    await runOnDesktop(executable, home, suiteOf(home));
    const { parameters, report } = started();
    expect(parameters[0]).toBe(home.workspace);
    expect(parameters).toEqual(
      expect.arrayContaining([
        '--extensionDevelopmentPath=/the/extension',
        '--extensionTestsPath=/the/suite.cjs',
        home.userData,
        home.extensions,
      ]),
    );
    expect(report).toBe(join(home.folder, 'result.json'));
  });

  it('fails when it ends badly, with what it said', async () => {
    const home = temporaryHome();
    const { executable } = standIn(home, 3);
    await expect(runOnDesktop(executable, home, suiteOf(home))).rejects.toThrow('what VS Code says');
  });
});

describe('which VS Code', () => {
  const none = () => Promise.reject(new Error('no way out'));

  it('is the one that is named, or nobody looks further', async () => {
    expect(await findDesktop({ VSCODE_EXECUTABLE: process.execPath }, none)).toEqual({
      executable: process.execPath,
    });
    await expect(findDesktop({ VSCODE_EXECUTABLE: '/nowhere/code' }, none)).rejects.toThrow('/nowhere/code');
  });

  it('is downloaded where one may, and else it is said why there is none', async () => {
    const env = { DISPLAY: ':0' };
    expect(await findDesktop(env, async () => '/downloaded/code')).toEqual({
      executable: '/downloaded/code',
    });
    expect(await findDesktop(env, none)).toEqual({
      missing: 'VS Code could not be downloaded (no way out)',
    });
    expect(await findDesktop({}, none, 'linux')).toEqual({
      missing: 'there is no display; start it with xvfb-run',
    });
  });
});
