import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { notes, Project } from './project.ts';

it('evr report writes a page and its data, where it was told from', async () => {
  const project = await Project.make({ nodes: notes(6) });
  const planId = await project.planned();
  await project.json(['run', planId]);
  const { data } = await project.json(['report', planId.slice(0, 8), '--html', 'a.html', '--data', 'a.json']);
  expect(data.files.map(({ path }: { path: string }) => path)).toEqual([
    project.path('a.html'),
    project.path('a.json'),
  ]);
  expect(readFileSync(project.path('a.html'), 'utf8')).toContain('hashed_ngram_64:v1');
  expect(JSON.parse(readFileSync(project.path('a.json'), 'utf8')).plan).toMatchObject({
    planId,
    completedNodes: 6,
  });
  const refused = await project.json(['report', planId, '--html', 'registry.sqlite']);
  expect([refused.exitCode, refused.error?.code]).toEqual([2, 'FILE_UNWRITABLE']);
  const lost = await project.json(['report', planId]);
  expect([lost.exitCode, lost.error?.code]).toEqual([2, 'USAGE']);
  expect(existsSync(project.path('undefined'))).toBe(false);
});
