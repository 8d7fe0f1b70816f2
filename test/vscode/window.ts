import type { Browser } from 'playwright-core';
import { afterEach, inject } from 'vitest';
import { Editor } from './editor.ts';
import { type Home, makeHome, removeHome } from './home.ts';
import { launchBrowser, Workbench } from './workbench.ts';

/** Shows how the window looked when a test failed; call it at the top of a file. */
export function picturesOfFailures(window: () => Window | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await window()?.workbench.picture(`failed-${task.name.replaceAll(/\W+/g, '-')}`);
  });
}

/** An editor with the packed extension, open on a workspace. */
export interface Window {
  readonly home: Home;
  readonly editor: Editor;
  readonly browser: Browser;
  readonly workbench: Workbench;
  close(): Promise<void>;
}

export async function openWindow(
  fill: (workspace: string) => Promise<void>,
  o: { settings?: Readonly<Record<string, unknown>>; trust?: boolean } = {},
): Promise<Window> {
  const home = { ...makeHome(o.settings), extensions: inject('extensions') };
  const closing: (() => Promise<void> | void)[] = [() => removeHome(home)];
  const close = async () => {
    for (const each of closing.toReversed()) await each();
  };
  try {
    await fill(home.workspace);
    const editor = await Editor.start(home, { trust: o.trust ?? false });
    closing.push(() => editor[Symbol.asyncDispose]());
    const browser = await launchBrowser();
    closing.push(() => browser.close());
    const workbench = await Workbench.open(browser);
    await workbench.goTo(editor.url, home.workspace);
    return { home, editor, browser, workbench, close };
  } catch (error) {
    await close();
    throw error;
  }
}
