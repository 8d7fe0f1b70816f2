/** Runs the suite of `host/` in the extension host of a real workbench; the same files serve VS Code. */
import { expect, it } from 'vitest';
import { Editor } from './editor.ts';
import { makeHome, removeHome } from './home.ts';
import { prepareHostSuite } from './host-suite.ts';
import { launchBrowser, Workbench } from './workbench.ts';

it('the suite inside the extension host passes', async () => {
  const home = makeHome();
  try {
    const suite = await prepareHostSuite(home);
    await using editor = await Editor.start(home, { env: suite.env });
    const browser = await launchBrowser();
    try {
      const workbench = await Workbench.open(browser);
      const ended = Promise.withResolvers<number>();
      await workbench.page.exposeFunction('codeAutomationExit', ended.resolve);
      await workbench.page.exposeFunction('codeAutomationLog', () => {});
      await workbench.develop(editor.url, suite.extension, suite.program);
      await workbench.goTo(editor.url, home.workspace);
      const exitCode = await ended.promise;
      const { cases } = suite.result();
      console.log(cases.map(({ name }) => name).join('\n'));
      expect(cases.filter(({ fault }) => fault !== undefined)).toEqual([]);
      expect(exitCode).toBe(0);
    } finally {
      await browser.close();
    }
  } finally {
    removeHome(home);
  }
}, 400_000);
