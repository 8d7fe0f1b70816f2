/** Installs what the tests in a real editor need and this machine lacks: code-server and Chromium. */
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { chromiumPath } from './chromium.ts';
import { installCodeServer } from './code-server.ts';

function installChromium(): void {
  if (chromiumPath() !== undefined) return;
  if (userInfo().uid !== 0)
    throw new Error(
      'There is no Chromium; install it (Debian: apt-get install chromium), or set CHROMIUM_PATH.',
    );
  for (const parameters of [
    ['update'],
    ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', parameters, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0) throw new Error(`apt-get ${parameters.join(' ')} failed:\n${stderr}`);
  }
}

installChromium();
console.log(installCodeServer());
