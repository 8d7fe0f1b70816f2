/** The report of a plan, opened from its file in a real browser. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventfulPlan } from '../report/eventful.ts';
import { chromiumPath } from './chromium.ts';

const hostile = `</td><script>document.title = 'taken'</script><img src="https://example.org/x.png" onerror="document.title = 'taken'">`;
const PAPER = 'getComputedStyle(document.body).backgroundColor';
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath()!, args: ['--no-sandbox'] });
});
afterAll(() => browser?.close());

/** A page of a report, and all that it asked for but itself. */
async function open(colorScheme: 'light' | 'dark'): Promise<{ page: Page; asked: string[]; said: string[] }> {
  const { manager, planId, folder } = await eventfulPlan({ nodes: 300, message: hostile, ids: [hostile] });
  await manager.updateModel({ modelId: 'new-model', version: 1, name: hostile });
  const path = join(folder, 'report.html');
  await manager.writeReport({ planId, path });
  const page = await browser.newPage({ colorScheme, viewport: { width: 1100, height: 900 } });
  const asked: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  await page.goto(pathToFileURL(path).href);
  expect(asked.shift()).toBe(pathToFileURL(path).href);
  return { page, asked, said };
}

it.each(['light', 'dark'] as const)(
  'opens offline in %s, asks for nothing, and runs nothing',
  async (scheme) => {
    const { page, asked, said } = await open(scheme);
    expect([asked, said]).toEqual([[], []]);
    expect(await page.title()).toBe('old-model:v1 → new-model:v1 · migration report');
    expect(await page.locator('script, img, link, iframe').count()).toBe(0);
    expect(await page.getByText(hostile).count()).toBeGreaterThan(1);
    // The style was let in by its hash, and is the scheme's.
    const paper = /\d+/.exec(await page.evaluate<string>(PAPER))?.[0];
    expect(Number(paper) > 128).toBe(scheme === 'light');
    expect(await page.locator('svg rect').count()).toBeGreaterThan(10);
    for (const width of [1100, 480]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
    }
    await page.close();
  },
);

it('has the theme of the editor that shows it, whatever the system prefers', async () => {
  for (const [scheme, themes] of [
    ['light', ['vscode-dark', 'vscode-high-contrast']],
    ['dark', ['vscode-light', 'vscode-high-contrast vscode-high-contrast-light']],
  ] as const) {
    const { page } = await open(scheme);
    for (const theme of themes) {
      await page.evaluate(`document.body.className = '${theme}'`);
      const paper = /\d+/.exec(await page.evaluate<string>(PAPER))?.[0];
      expect(Number(paper) > 128, theme).toBe(scheme === 'dark');
    }
    await page.close();
  }
});

it('prints in black on white, also from a dark screen', async () => {
  const { page } = await open('dark');
  await page.emulateMedia({ media: 'print' });
  expect(await page.evaluate<string>(PAPER)).toBe('rgb(255, 255, 255)');
  const pdf = await page.pdf({ preferCSSPageSize: true });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  await page.close();
});
