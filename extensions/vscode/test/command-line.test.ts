import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../src/work/command-line.ts';
import { temporaryFolder } from './scene.ts';

/** A command that is run in a folder of its own. */
function commandOf(program: string) {
  const folder = temporaryFolder();
  const script = join(folder, 'command.mjs');
  writeFileSync(script, program);
  const invocation = { program: script, runtimeParameters: [], parameters: [], folder, variables: {} };
  return { folder, invocation };
}

it('answers the result, and tells what was printed before it', async () => {
  const { invocation } = commandOf(
    `console.log('of a configuration file'); console.log('{"event":"result","exitCode":0,"data":{"found":1}}');`,
  );
  const lines: string[] = [];
  const { result } = runCommand({ ...invocation, onOutput: (line) => lines.push(line) });
  expect(await result).toEqual({ found: 1 });
  expect(lines).toEqual(['of a configuration file']);
});

it('starts nothing that was called off while it was made ready', async () => {
  const { invocation, folder } = commandOf(
    `import { writeFileSync } from 'node:fs'; writeFileSync('done', '');`,
  );
  const { result } = runCommand({ ...invocation, signal: AbortSignal.abort() });
  await expect(result).rejects.toMatchObject({ code: 'STOPPED' });
  expect(existsSync(join(folder, 'done'))).toBe(false);
});

it('was stopped, and did not crash, where it ends before it can hear a signal', async () => {
  const { invocation } = commandOf('await new Promise((resolve) => setTimeout(resolve, 60_000));');
  const stopping = new AbortController();
  const { result } = runCommand({ ...invocation, signal: stopping.signal });
  stopping.abort();
  await expect(result).rejects.toMatchObject({ code: 'STOPPED' });
});

it('crashed where it ends without a result, which its last line may explain', async () => {
  const { invocation } = commandOf(`console.error('No such thing.'); process.exit(7);`);
  await expect(runCommand(invocation).result).rejects.toMatchObject({
    code: 'CRASHED',
    message: 'evr ended with 7. No such thing.',
  });
});
