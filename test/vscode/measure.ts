/**
 * How long the extension takes to be activated, and its trees to be painted, in a real workbench with a registry
 * of 1,000 plans and a million tasks. Prints medians, lowest and highest, and the limits beside them; asserts nothing.
 *   node test/vscode/measure.ts [--rounds 7]
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EmbeddingVersionManager, systemClock } from '@registry/core';
import type { Browser } from 'playwright-core';
import { Editor, installExtension } from './editor.ts';
import { makeHome, removeHome } from './home.ts';
import { vsix } from './install-extension.ts';
import { launchBrowser, Workbench } from './workbench.ts';

const PLANS = 1_000;
const TASKS_PER_PLAN = 1_000;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = Number(values.rounds);

/** One plan in a hundred is paused, the others are cancelled. */
async function fill(path: string): Promise<void> {
  await using manager = await EmbeddingVersionManager.open({ dbPath: path });
  const model = { version: 1, dimension: 384 };
  await manager.registerModel({ ...model, modelId: 'before', checksum: 'a', setActive: true });
  await manager.registerModel({ ...model, modelId: 'after', checksum: 'b' });
  for (let plan = 0; plan < PLANS; plan++) {
    const nodeIds = Array.from(
      { length: TASKS_PER_PLAN },
      (_, index) => `${String(plan * TASKS_PER_PLAN + index).padStart(8, '0')}-7000-8000-9000-000000000000`,
    );
    const to = { targetModelId: 'after', targetVersion: 1, nodeIds };
    const { planId } = await manager.createMigration(to);
    await (plan % 100 === 0 ? manager.pauseMigration(planId) : manager.cancelMigration(planId));
  }
}

/** How long anything here may take before it is called stuck. */
const PATIENCE_MS = 60_000;
/** Milliseconds of a median on a quiet machine. */
const limits: Readonly<Record<string, number>> = {
  'activation (load and activate)': 50,
  'first paint, nothing awake': 100,
  'first paint, process awake': 100,
};

/** Whether the editor's process that reads registries runs. */
function isReading(group: number): boolean {
  const processes = execFileSync('ps', ['-eo', 'pgid=,args='], { encoding: 'utf8' }).split('\n');
  return processes.some((line) => line.trim().startsWith(`${group} `) && line.includes('registry-process'));
}

/** Until that process has been gone for a while: one that reads in spells is not asleep in between. */
async function untilAsleep(group: number): Promise<void> {
  const giveUpAt = systemClock.now() + PATIENCE_MS;
  for (let quiet = 0; quiet < 5; ) {
    if (systemClock.now() > giveUpAt)
      throw new Error('The process that reads registries never went to sleep.');
    await systemClock.sleep(100);
    quiet = isReading(group) ? 0 : quiet + 1;
  }
}

/** From the press of the icon until the frame that shows a plan: both as the page's own clock has it. */
async function paint(workbench: Workbench): Promise<number> {
  const { page } = workbench;
  await page.evaluate(`{
    window.painted = new Promise((resolve) => {
      let pressed;
      addEventListener('mousedown', () => { pressed ??= performance.now(); }, { capture: true, once: true });
      const look = () => {
        const rows = document.querySelectorAll('.part.sidebar [role=treeitem]');
        if (pressed !== undefined && [...rows].some((row) => row.textContent.includes('→ after:v1')))
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - pressed)));
        else requestAnimationFrame(look);
      };
      look();
    });
    undefined;
  }`);
  await workbench.activity('Embedding Registry').click();
  return (await page.evaluate('window.painted')) as number;
}

/** Loading its code and its \`activate\`, in milliseconds, as the editor itself tells them. */
async function activation(workbench: Workbench, giveUpAt = systemClock.now() + PATIENCE_MS): Promise<number> {
  if (systemClock.now() > giveUpAt) throw new Error('The extension was not activated.');
  // What is drawn meanwhile would take from the time of the activation.
  await systemClock.sleep(3_000);
  // The list draws what is in sight, the slowest first: what is fast stands far down.
  await workbench.page.setViewportSize({ width: 1280, height: 4_000 });
  await workbench.runCommand('Developer: Show Running Extensions');
  const row = workbench.page
    .locator('.runtime-extensions-editor .monaco-list-row')
    .filter({ hasText: 'Embedding Registry' });
  const isThere = await row.waitFor({ timeout: 3_000 }).then(
    () => true,
    () => false,
  );
  const text = isThere ? await row.locator('.activation-time').textContent() : '';
  await workbench.page.keyboard.press('Escape');
  await workbench.page.locator('.runtime-extensions-editor').waitFor({ state: 'detached' });
  await workbench.page.setViewportSize({ width: 1280, height: 800 });
  // The list was made before the extension was activated.
  if (!isThere) return activation(workbench, giveUpAt);
  return Number(/(\d+)ms/.exec(text ?? '')?.[1]);
}

type Figures = Readonly<Record<string, number>>;

async function oneRound(browser: Browser, editor: Editor, folder: string): Promise<Figures> {
  const open = async () => {
    const workbench = await Workbench.open(browser);
    await workbench.goTo(editor.url, folder);
    return workbench;
  };
  // As most people meet it: found at the start of the editor, looked at later.
  const asleep = await open();
  const activationMs = await activation(asleep);
  await untilAsleep(editor.group);
  const fromSleep = await paint(asleep);
  await asleep.page.context().close();
  await untilAsleep(editor.group);
  // While something else of the registry is on the screen, the process that reads is there.
  const awake = await open();
  await awake.openFile('embedding_registry.sqlite');
  await awake.webview().getByRole('cell', { name: 'before:v1' }).waitFor();
  const whileAwake = await paint(awake);
  await awake.page.context().close();
  await untilAsleep(editor.group);
  return {
    'activation (load and activate)': activationMs,
    'first paint, nothing awake': fromSleep,
    'first paint, process awake': whileAwake,
  };
}

function print(measured: readonly Figures[]): void {
  for (const name of Object.keys(measured[0] ?? {})) {
    const sorted = measured.map((figures) => figures[name] ?? Number.NaN).toSorted((a, b) => a - b);
    const [lowest, middle, highest] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
    const limit = limits[name] ?? Number.NaN;
    const verdict = (middle ?? Number.NaN) <= limit ? 'kept' : 'missed';
    const range = `(${lowest?.toFixed(0)} to ${highest?.toFixed(0)})`;
    console.log(`${name.padEnd(32)} ${middle?.toFixed(0)} ms ${range}, limit ${limit} ms: ${verdict}`);
  }
}

const home = makeHome();
const browser = await launchBrowser();
try {
  installExtension(home, vsix);
  await fill(join(home.workspace, 'embedding_registry.sqlite'));
  // A window is closed without a word, and its extension host has to end with it.
  await using editor = await Editor.start(home, { graceSeconds: 1 });
  const measured: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    measured.push(await oneRound(browser, editor, home.workspace));
    console.log(`load ${loadavg()[0]?.toFixed(1)}`, measured.at(-1));
  }
  console.log(
    `\nmedians of ${rounds} rounds, ${cpus().length} cores of ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  print(measured);
} finally {
  await browser.close();
  removeHome(home);
}
