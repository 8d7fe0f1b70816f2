import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Another process takes the write lock; answers the function that makes it let go. */
export async function lock(path: string): Promise<() => Promise<void>> {
  const script = fileURLToPath(new URL('bad-input/hold-lock.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const release = async () => {
    child.stdin.end();
    await exited;
  };
  onTestFinished(release);
  await once(child.stdout, 'data');
  return release;
}
