/** VS Code as it stands on a desktop, for the suite of `host/`. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { downloadAndUnzipVSCode, runTests, SilentReporter } from '@vscode/test-electron';
import { isProgram } from './chromium.ts';
import type { Home } from './home.ts';
import type { HostSuite } from './host-suite.ts';

/** Where its program is, or why there is none. */
export type Desktop = { readonly executable: string } | { readonly missing: string };

/**
 * The one that `VSCODE_EXECUTABLE` names, else the latest, downloaded where that is possible.
 * @throws where the variable names no program: whoever sets it does not want another one
 */
export async function findDesktop(
  env: NodeJS.ProcessEnv,
  download = downloadLatest,
  platform: NodeJS.Platform = process.platform,
): Promise<Desktop> {
  const named = env.VSCODE_EXECUTABLE;
  if (named && !isProgram(named))
    throw new Error(`VSCODE_EXECUTABLE names ${named}, which is no program; correct it, or leave it out.`);
  if (named) return { executable: named };
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY)
    return { missing: 'there is no display; start it with xvfb-run' };
  try {
    return { executable: await download() };
  } catch (error) {
    return { missing: `VS Code could not be downloaded (${(error as Error).message})` };
  }
}

function downloadLatest(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const cachePath = join(cache, 'embedding-version-registry', 'vscode');
  mkdirSync(cachePath, { recursive: true });
  return downloadAndUnzipVSCode({ cachePath, reporter: new SilentReporter() });
}

/** @throws with all that VS Code printed where it ended badly */
export async function runOnDesktop(executable: string, home: Home, suite: HostSuite): Promise<void> {
  let said = '';
  const listening = () =>
    new Writable({
      write: (text: Buffer, _, done) => {
        said += text.toString();
        done();
      },
    });
  try {
    await runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: suite.extension,
      extensionTestsPath: suite.program,
      extensionTestsEnv: { ...suite.env },
      launchArgs: [home.workspace, '--user-data-dir', home.userData, '--extensions-dir', home.extensions],
      stdout: listening(),
      stderr: listening(),
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}
