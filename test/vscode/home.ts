import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Everything an editor writes lies below one folder, and is gone with it. */
export interface Home {
  readonly folder: string;
  readonly workspace: string;
  readonly userData: string;
  readonly extensions: string;
  readonly temporary: string;
}

/** Keeps the offers of a first run out of the way, and the network. */
const quiet = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Light Modern',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.enabled': false,
};

/** A short path: a socket's may have 107 characters, and the editor makes some below it. */
export function makeHome(settings: Readonly<Record<string, unknown>> = {}): Home {
  const folder = mkdtempSync(join(tmpdir(), 'ev-'));
  const home: Home = {
    folder,
    workspace: join(folder, 'workspace'),
    userData: join(folder, 'u'),
    extensions: join(folder, 'x'),
    temporary: join(folder, 't'),
  };
  const user = join(home.userData, 'User');
  for (const each of [home.workspace, home.temporary, home.extensions, user])
    mkdirSync(each, { recursive: true });
  writeFileSync(join(folder, 'config.yaml'), 'auth: none\n');
  writeFileSync(join(user, 'settings.json'), JSON.stringify({ ...quiet, ...settings }, undefined, 2));
  return home;
}

export function removeHome(home: Home): void {
  rmSync(home.folder, { recursive: true, force: true, maxRetries: 5 });
}
