/**
 * The only file of the extension that touches `process`: what runs us, what a child process is given, and how
 * such a child speaks with the extension.
 */
/** What runs this program: Node, or the editor's own runtime playing Node. */
export const runtimePath = process.execPath;

/** The environment of a child: the editor's runtime plays Node where this is set, and Node ignores it. */
export function childEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(NODE_OPTIONS$|VSCODE_|ELECTRON_)/.test(entry[0]),
  );
  return { ...Object.fromEntries(own), ELECTRON_RUN_AS_NODE: '1' };
}

/** Asks a process of this machine to end; one that is gone has. On Windows it ends at once, which work is safe against. */
export function endProcess(pid: number): void {
  if (!isProcessGone(pid)) process.kill(pid, 'SIGTERM');
}

/** Certain only of processes of this machine. */
export function isProcessGone(pid: number): boolean {
  try {
    // 0 asks without sending anything.
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** The way from a child process to the extension that started it. */
export const parent = {
  parameters: process.argv.slice(2),
  send(message: object): void {
    process.send?.(message);
  },
  /** `onEnd`: the extension is gone, or wants this process no longer. */
  listen(onMessage: (message: unknown) => void, onEnd: () => void): void {
    process.on('message', onMessage);
    process.once('disconnect', onEnd);
  },
};
