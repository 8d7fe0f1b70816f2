import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteNodeStore } from '@registry/node-memory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DemoProcess, demoFolder } from './demo-process.ts';

/** Windows has none: there a process that is asked to stop ends at once. */
const hasSignals = process.platform !== 'win32';

const LONG_MS = 120_000;
const CLAIMS = 17;

let folder: ReturnType<typeof demoFolder>;
let started: DemoProcess[];

beforeEach(() => {
  folder = demoFolder();
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((demo) => demo.end('SIGKILL')));
  folder.remove();
});

function start(...args: readonly string[]): DemoProcess {
  const demo = new DemoProcess(folder.path, args);
  started.push(demo);
  return demo;
}

const small = ['--path', 'docs', '--throttle', '20'] as const;
const finish = `${CLAIMS} of ${CLAIMS} claims above hold`;

describe('the demo', () => {
  it('ends with every claim proved, in plain lines of 78 columns', { timeout: LONG_MS }, async () => {
    const demo = start(...small);
    expect(await demo.ended, demo.output).toBe(0);
    const lines = demo.output.split('\n');
    expect(lines.filter((line) => line.includes('✗'))).toEqual([]);
    expect(lines.filter((line) => line.trimStart().startsWith('✓'))).toHaveLength(CLAIMS + 1);
    expect(demo.output).toContain(finish);
    expect(demo.output).toContain('90 sections of 10 Markdown files');
    expect(lines.filter((line) => line.length > 78)).toEqual([]);
    expect(demo.output).not.toContain('\u001b');

    const again = start(...small);
    await again.until('Real texts');
    await again.end('SIGKILL');
    expect(again.output).not.toContain('Going on');
  });

  it('goes on after a kill at any chapter', { timeout: LONG_MS }, async () => {
    for (const line of [
      '1  Real texts',
      're-embedding',
      'the application changes',
      'Paused',
      '7  Roll back',
      '8  ',
    ]) {
      const demo = start(...small);
      await demo.until(line);
      expect(await demo.end('SIGKILL')).toBe('SIGKILL');
    }
    const demo = start();
    expect(await demo.ended, demo.output).toBe(0);
    expect(demo.output).toContain('Going on with the run that was interrupted');
    expect(demo.output).toContain(finish);
  });

  it.runIf(hasSignals)('stops cleanly at Ctrl-C, and goes on', { timeout: LONG_MS }, async () => {
    const demo = start(...small);
    await demo.until('re-embedding');
    expect(await demo.end('SIGINT')).toBe(130);
    expect(demo.output).toContain('the same command goes on from here');
    expect(existsSync(join(folder.path, '.demo', 'running.pid'))).toBe(false);
    const other = start('--throttle', '0');
    expect(await other.ended).toBe(1);
    expect(other.output).toContain('An unfinished run with other options');
    const next = start();
    expect(await next.ended, next.output).toBe(0);
    expect(next.output).toContain('It goes on at');
    expect(next.output).toContain(finish);
  });

  it('fails where a claim does not hold', { timeout: LONG_MS }, async () => {
    const demo = start(...small);
    await demo.until('Paused');
    await demo.end('SIGKILL');
    await using store = await SqliteNodeStore.open({ path: join(folder.path, '.demo', 'nodes.sqlite') });
    const { items } = await store.scan({ limit: 1_000 });
    const left = await Promise.all(items.map(({ id }) => store.get(id)));
    const untouched = left.find((node) => node && !node.content.includes('while the migration was running'));
    await store.update(untouched!.id, { content: 'Somebody else was here, in nobody’s list of edits.' });
    const next = start();
    expect(await next.ended).toBe(1);
    expect(next.output).toMatch(/✗ NOT SO: the \d+ nodes that the application left alone/);
  });

  it('refuses a second one in the same folder', { timeout: LONG_MS }, async () => {
    const demo = start(...small);
    await demo.until('re-embedding');
    const second = start('--fresh');
    expect(await second.ended).toBe(1);
    expect(second.output).toContain('The demo is running here already');
  });

  it.each([
    [['--path', 'nowhere'], 'there is no such folder'],
    [['--limit', '3'], 'give a whole number from 40'],
    [['--speed', '3'], 'Unknown option'],
    [['--path', '.demo'], 'Name another folder with --path'],
  ])('says what is wrong with %j', async (args, message) => {
    mkdirSync(join(folder.path, '.demo'));
    const demo = start(...args);
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain(message);
    expect(demo.output).not.toContain('    at ');
  });
});
