/** A registry that means harm, and a workspace that is not trusted. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const hostileId = '<img src=x onerror=alert(1)>[click](command:workbench.action.closeWindow)$(trash)';
let window: Window;
let project: Project;
let planId = '';

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(
    async (workspace) => {
      project = await makeProject(workspace, 30);
      // Says that it was run, which it must not be.
      writeFileSync(
        join(workspace, 'embedding-registry.config.ts'),
        `import { writeFileSync } from 'node:fs';\nwriteFileSync('was-run', '');\nexport default {};\n`,
      );
      await project.change(async (manager) => {
        await manager.registerModel({ modelId: hostileId, version: 1, dimension: 8, checksum: '<b>sum</b>' });
        const plan = await manager.createMigration({
          targetModelId: hostileId,
          targetVersion: 1,
          nodeIds: ['<script>alert(2)</script>', 'page-0001'],
        });
        planId = plan.planId;
      });
    },
    {
      settings: {
        'security.workspace.trust.enabled': true,
        'security.workspace.trust.startupPrompt': 'never',
      },
      trust: true,
    },
  );
});
afterAll(() => window?.close());

describe('a hostile registry in an untrusted workspace', () => {
  it('is shown as text in the views', async () => {
    const { workbench } = window;
    await workbench.activity('Embedding Registry').click();
    await workbench.row(hostileId).first().waitFor();
    await workbench.row(`→ ${hostileId}`).waitFor();
    expect(await workbench.page.locator('.part.sidebar img').count()).toBe(0);
    await workbench.picture('hostile-views');
  });

  it('is shown as text on a page', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(planId);
    const page = workbench.webview();
    await page.getByRole('heading', { name: hostileId }).waitFor();
    expect(await page.locator('#page').locator('img, script, a').count()).toBe(0);
    await workbench.picture('hostile-page');
  });

  it('can be looked at, not changed: no button, and no command', async () => {
    const { workbench } = window;
    await workbench.webview().getByRole('heading', { name: 'Journal' }).waitFor();
    expect(await workbench.webview().getByRole('button', { name: 'Pause' }).count()).toBe(0);
    await workbench.runCommand('Embedding Registry: Pause Migration');
    await workbench.notification('shown, not changed').waitFor();
    const { status } = await project.look((manager) => manager.getMigration(planId));
    expect(status).toBe('pending');
  });

  it('runs no configuration file, and leaves nothing behind', () => {
    expect(existsSync(join(window.home.workspace, 'was-run'))).toBe(false);
    const files = readdirSync(join(window.home.workspace, 'data'));
    expect(files.filter((name) => name.startsWith('embedding_registry')).toSorted()).toEqual([
      'embedding_registry.sqlite',
    ]);
  });
});
