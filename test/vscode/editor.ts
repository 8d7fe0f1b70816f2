import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { codeServerProgram } from './code-server.ts';
import type { Home } from './home.ts';

const STARTED = /HTTP server listening on (http:\/\/[\d.]+:\d+)/;
/** Variables that would make it talk to another editor, or take another port. */
const foreign = /^(VSCODE_|CODE_SERVER_|CS_|PORT$|PASSWORD$|HASHED_PASSWORD$|NODE_OPTIONS$|VITEST|npm_)/;

function environment(home: Home): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    TMPDIR: home.temporary,
    // It writes there whatever --user-data-dir says.
    XDG_DATA_HOME: home.temporary,
    XDG_CONFIG_HOME: home.temporary,
    // No gallery: else it asks for updates of what it brings along.
    EXTENSIONS_GALLERY: '{}',
  };
}

const parametersOf = (home: Home) => [
  codeServerProgram(),
  ...['--config', join(home.folder, 'config.yaml')],
  ...['--user-data-dir', home.userData, '--extensions-dir', home.extensions],
];

/** Groups of processes that are to end with the tests. */
const groups = new Set<number>();
process.once('exit', () => {
  for (const group of groups) signal(group, 'SIGKILL');
});

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // It has ended already.
  }
}

export function installExtension(home: Home, vsix: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...parametersOf(home), '--install-extension', vsix],
    { env: environment(home), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`The extension was not installed:\n${stdout}\n${stderr}`);
}

/** A running editor: the server, and the extension host that it starts for each window. */
export class Editor implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /**
   * `env` reaches the extension host too. `graceSeconds`: so long that host waits for a window that is gone without
   * a word, three hours unless told.
   */
  static async start(
    home: Home,
    o: { env?: NodeJS.ProcessEnv; trust?: boolean; graceSeconds?: number } = {},
  ): Promise<Editor> {
    const flags = ['--auth', 'none', '--bind-addr', '127.0.0.1:0', '--ignore-last-opened'];
    const silent = ['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
    const trusting = o.trust ? [] : ['--disable-workspace-trust'];
    const waiting = o.graceSeconds === undefined ? [] : ['--reconnection-grace-time', String(o.graceSeconds)];
    // A group of its own, so that the extension hosts go with it.
    const child = spawn(
      process.execPath,
      [...parametersOf(home), ...flags, ...silent, ...trusting, ...waiting],
      {
        env: { ...environment(home), ...o.env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    groups.add(child.pid!);
    return new Editor(child, await addressOf(child));
  }

  /** Of the group: all processes of the editor, the extension hosts and their children included. */
  get group(): number {
    return this.#child.pid!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    signal(this.group, 'SIGKILL');
    await ended;
    groups.delete(this.group);
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      said += text.toString();
      if (STARTED.test(said)) child.emit('listening');
    });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`The editor ended at its start:\n${said}`);
  });
  await Promise.race([once(child, 'listening'), ended]);
  return STARTED.exec(said)![1]!;
}
