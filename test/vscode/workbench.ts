import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type FrameLocator, type Locator, type Page } from 'playwright-core';
import { chromiumPath } from './chromium.ts';

/** Pictures of each view, made by every run, to be looked at. */
const PICTURES = 'node_modules/.cache/vscode-screenshots';

/** A machine that builds something else besides takes its time; what waits in vain fails all the same. */
const PATIENCE_MS = 60_000;
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

/** Class of the workbench, and the theme that sets it. */
const themes = [
  ['vs', 'Light Modern'],
  ['vs-dark', 'Dark Modern'],
  ['hc-black', 'Dark High Contrast'],
] as const;

export async function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('There is no Chromium; run "node test/vscode/setup.ts".');
  return chromium.launch({ executablePath, headless: true, args: flags });
}

/** A window of the editor, in a browser of its own; what it asks of other hosts is refused. */
export class Workbench {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(browser: Browser): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
    const isOutside = (url: URL) => url.protocol.startsWith('http') && url.hostname !== '127.0.0.1';
    await context.route(isOutside, (route) => route.abort());
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    return new Workbench(page);
  }

  /** Another window on the same editor. */
  async another(): Promise<Workbench> {
    const page = await this.page.context().newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    return new Workbench(page);
  }

  async goTo(url: string, folder: string): Promise<void> {
    await this.page.goto(`${url}/?${new URLSearchParams({ folder })}`);
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
  }

  /**
   * Runs an extension, and the suite behind `tests`, from their folders. A built workbench takes neither from
   * its address; this is where the server itself would write them.
   */
  async develop(url: string, extension: string, tests: string): Promise<void> {
    const uri = (path: string) => ({ scheme: 'vscode-remote', authority: new URL(url).host, path });
    const options = JSON.stringify({ extensions: [uri(extension)], extensionTestsPath: uri(tests) });
    await this.page.addInitScript({
      content: `{
        const original = Element.prototype.getAttribute;
        Element.prototype.getAttribute = function (name) {
          const value = original.call(this, name);
          if (this.id !== 'vscode-workbench-web-configuration' || name !== 'data-settings' || !value) return value;
          const settings = JSON.parse(value);
          return JSON.stringify({ ...settings, developmentOptions: { ...settings.developmentOptions, ...${options} } });
        };
      }`,
    });
  }

  activity(name: string): Locator {
    return this.page.locator('.part.activitybar').getByRole('tab', { name });
  }

  /** By its text: the accessible name of a row is a sentence of its own. */
  row(text: string | RegExp): Locator {
    return this.page.locator('.part.sidebar').getByRole('treeitem').filter({ hasText: text });
  }

  /** The row that keys go to. */
  focused(text: string | RegExp): Locator {
    return this.page.locator('.part.sidebar .monaco-list-row.focused').filter({ hasText: text });
  }

  /** An entry of the context menu that is open. */
  menuItem(name: string): Locator {
    return this.page
      .locator('.context-view .action-menu-item, .monaco-menu .action-menu-item')
      .filter({ hasText: name });
  }

  /** A line of the output channel that is shown, as it is broken there; a string, since its blanks are others. */
  output(text: string): Locator {
    return this.page.locator('.part.panel .view-line').filter({ hasText: text }).first();
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-list-item').filter({ hasText: text });
  }

  statusItem(text: string | RegExp): Locator {
    return this.page.locator('.part.statusbar .statusbar-item').filter({ hasText: text });
  }

  text(text: string | RegExp): Locator {
    return this.page.getByText(text);
  }

  /** A question that must be answered before anything else. */
  dialog(text: string): Locator {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  /** Presses a button of the dialog. */
  async press(name: string): Promise<void> {
    await this.page.locator('.monaco-dialog-box').getByRole('button', { name, exact: true }).click();
  }

  /** Types an answer into the input box; with `complaint` it is refused, and the box stays. */
  async answer(text: string, complaint?: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    await input.fill(text);
    const message = this.page.locator('.quick-input-widget .quick-input-message');
    if (complaint !== undefined) await message.filter({ hasText: complaint }).waitFor();
    else {
      await message.locator('.codicon-error').waitFor({ state: 'detached' });
      const title = await this.page.locator('.quick-input-title').textContent();
      const prompt = await message.textContent();
      // On the box itself: a view that is drawn meanwhile may take the focus.
      await input.press('Enter');
      await this.changed(title, prompt);
    }
  }

  /** The next box is there, or none. */
  private async changed(title: string | null, prompt: string | null): Promise<void> {
    await this.page.waitForFunction(
      `(() => {
        const box = document.querySelector('.quick-input-widget');
        if (!box || !box.checkVisibility()) return true;
        const text = (name) => box.querySelector(name)?.textContent ?? '';
        return text('.quick-input-title') !== ${JSON.stringify(title)} || text('.quick-input-message') !== ${JSON.stringify(prompt)};
      })()`,
    );
  }

  /** Picks a row of the list that a command shows. */
  async pick(text: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first().click();
  }

  /** The document inside a webview: a frame in a frame. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** Opens or closes a row. */
  async toggle(text: string | RegExp): Promise<void> {
    await this.row(text).first().locator('.monaco-tl-twistie').click();
  }

  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(`>${title}`);
    // Rows of other commands may stand before it, with names that begin with this one; keys follow a comma.
    const names = [`="${title}"`, `="${title}…"`, `^="${title},"`, `^="${title}…,"`];
    const rows = names.map((name) => `.quick-input-list .monaco-list-row[aria-label${name}]`);
    await this.page.locator(rows.join(', ')).click();
  }

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.choose(name);
  }

  /** Types into the list that is open until the wanted row is the first, and takes it. */
  private async choose(name: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row.focused').filter({ hasText: name }).waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** The same in each kind of theme; ends in the first. */
  async pictures(name: string): Promise<void> {
    for (const [kind] of [...themes.slice(1), ...themes.slice(0, 1)]) {
      await this.theme(kind);
      await this.picture(`${name}-${kind}`);
    }
  }

  async theme(kind: (typeof themes)[number][0]): Promise<void> {
    await this.runCommand('Preferences: Color Theme');
    await this.choose(themes.find(([each]) => each === kind)![1]);
    await this.page.locator(`.monaco-workbench.${kind}`).waitFor();
  }

  async picture(name: string): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
}
