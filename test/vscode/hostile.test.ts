/** A registry that means harm, and a workspace that is not trusted. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbedderError, EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const hostileId = '<img src=x onerror=alert(1)>[click](command:workbench.action.closeWindow)$(trash)';
const hostileNodes = [
  '<script>alert(2)</script>',
  'red\u001b[31m\u001b]0;title\u0007',
  'invoice\u202efdp.exe',
  `long-${'x'.repeat(20_000)}`,
];
const hostileMessage = '<img src=y onerror=alert(3)>\u001b[2J[click](command:x) \u202eneddih';
let window: Window;
let project: Project;
let planId = '';
let failedPlanId = '';

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
      failedPlanId = await failHostilely();
      await project.change(async (manager) => {
        const plan = await manager.createMigration({
          targetModelId: hostileId,
          targetVersion: 1,
          nodeIds: ['page-0001'],
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

/** A plan whose every node failed, with ids and errors that mean harm. */
async function failHostilely(): Promise<string> {
  await using store = await SqliteNodeStore.open({ path: project.nodesPath });
  const refusing = testEmbedder({
    modelId: hostileId,
    dimension: 8,
    onCall: (texts) => {
      if (texts.some((text) => text.startsWith('Refuse'))) throw new EmbedderError('refused', hostileMessage);
    },
  });
  await using manager = await EmbeddingVersionManager.open({
    dbPath: project.registryPath,
    nodeStore: store,
    embedders: [refusing],
  });
  await manager.registerModel({ ...refusing.spec.toJSON(), description: hostileMessage.repeat(5) });
  await store.upsert(hostileNodes.map((id) => ({ id, content: `Refuse ${id.slice(0, 20)}.` })));
  // Where no text at all is embedded, it is the embedder that failed, not the nodes.
  const healthy = Array.from({ length: 8 }, (_, index) => `page-001${index}`);
  const to = { targetModelId: hostileId, targetVersion: 1 };
  const { planId } = await manager.createMigration({
    ...to,
    nodeIds: [...hostileNodes, ...healthy],
    maxRetries: 0,
  });
  await manager.runMigration(planId);
  return planId;
}

describe('a hostile registry in an untrusted workspace', () => {
  it('is shown as text in the views', async () => {
    const { workbench } = window;
    await workbench.activity('Embedding Registry').click();
    await workbench.row(hostileId).first().waitFor();
    await workbench.row(`→ ${hostileId}`).first().waitFor();
    await workbench.toggle(/^Failed/);
    await workbench.toggle('4 failed');
    await workbench.toggle(/^Failed4$/);
    await workbench.toggle(/^EMBEDDER_FAILED\d/);
    await workbench.row('red\\u001b[31m\\u001b]0;title\\u0007').waitFor();
    await workbench.row('invoice\\u202efdp.exe').waitFor();
    await workbench.row(/^long-x{494}…/).waitFor();
    await workbench.row('\\u001b[2J[click](command:x) \\u202eneddih').first().waitFor();
    expect(await workbench.page.locator('.part.sidebar').locator('img, a[href]').count()).toBe(0);
    await workbench.picture('hostile-views');
  });

  it('is shown as text on a page', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(planId);
    const page = workbench.webview();
    await page.getByRole('heading', { name: hostileId }).waitFor();
    expect(await page.locator('#page').locator('img, script, a').count()).toBe(0);
    await workbench.runCommand('View: Close All Editors');
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(failedPlanId);
    await page.getByText('4 × EMBEDDER_FAILED').click();
    await page.getByRole('cell', { name: 'invoice\\u202efdp.exe', exact: true }).waitFor();
    await page.getByRole('cell', { name: /^long-x+…$/ }).waitFor();
    await page.getByText('\\u001b[2J[click](command:x) \\u202eneddih').first().waitFor();
    expect(await page.locator('#page').locator('img, script, a').count()).toBe(0);
    const overflow = await page.locator('#page').evaluate((main) => main.scrollWidth - main.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await workbench.picture('hostile-page');
    await workbench.runCommand('View: Close All Editors');
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(planId);
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
