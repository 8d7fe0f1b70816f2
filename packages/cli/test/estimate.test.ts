/** A dry run that tells what a plan takes; its spend cap and pace; and models that are about to be shut down. */
import { expect, it } from 'vitest';
import { Project } from './project.ts';

const notes = Array.from({ length: 40 }, (_, index) => ({
  id: `note-${String(index).padStart(2, '0')}`,
  content: `The text of note number ${index}, which is about as long as a sentence.`,
}));

it('tells price, space and time before a plan is made', async () => {
  const project = await Project.make({ nodes: notes });
  await project.json(['models', 'register']);
  await project.json(['models', 'update', 'hashed', '--price', '2', '--shutdown-at', '2020-01-31']);
  const { data } = await project.json(['plan', '--to', 'hashed', '--dry-run', '--duty-cycle', '0.5']);
  expect(data).toMatchObject({
    total: 40,
    distinctTexts: { value: 40, basis: 'exact' },
    textsToEmbed: { value: 40 },
    pace: { dutyCycle: 0.5 },
    sample: { texts: 12, calls: 5 },
    calendar: [{ modelId: 'hashed_ngram_64', phase: 'shutDown' }],
  });
  for (const name of ['tokens', 'dollars', 'seconds', 'registryBytes', 'storeBytes'])
    expect(data[name].low).toBeLessThanOrEqual(data[name].high);
  const page = await project.run(['plan', '--to', 'hashed', '--dry-run']);
  expect(page.stdout).toContain(
    '40 nodes would be re-embedded with hashed_ngram_64:v1; nothing was changed.',
  );
  for (const text of ['texts to embed', 'price', 'time', 'registry grows by', 'was shut down on 2020-01-31'])
    expect(page.stdout).toContain(text);
  expect((await project.json(['list'])).data.items).toEqual([]);
});

it('caps and paces a plan, and says what it has spent', async () => {
  const project = await Project.make({ nodes: notes });
  await project.json(['models', 'register']);
  await project.json(['models', 'update', 'hashed', '--price', '2']);
  const made = await project.json([
    'plan',
    '--to',
    'hashed',
    '--spend-cap',
    '0.000100',
    '--duty-cycle',
    '0.9',
  ]);
  expect(made.data).toMatchObject({ spendCap: { dollars: 0.0001 }, dutyCycle: 0.9 });
  const short = made.data.planId.slice(0, 8);
  const run = await project.run(['run', short]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain(`raise it with evr tune ${short} --spend-cap, then evr resume ${short}`);
  const shown = await project.run(['show', short]);
  expect(shown.stdout).toMatch(/pace .*at work 90 % of its time/);
  expect(shown.stdout).toMatch(/spent .*cap: \$0\.00010/);
  const tuned = await project.run(['tune', short, '--spend-cap', '90000tokens', '--duty-cycle', '1']);
  expect(tuned.stdout).toContain('cap: 90,000 tokens');
  await project.json(['resume', short]);
  expect((await project.run(['run', short])).exitCode).toBe(0);
});

it('warns ahead of models that are shut down, wherever models are shown', async () => {
  const project = await Project.make({ nodes: notes.slice(0, 3) });
  await project.json(['models', 'register']);
  await project.json(['models', 'register', '--id', 'next', '--dimension', '8']);
  await project.json(['models', 'update', 'hashed', '--shutdown-at', '2020-01-31', '--successor', 'next:v1']);
  const warning =
    /hashed_ngram_64:v1:\w+ was shut down on 2020-01-31 \(\d+ days ago\)\. evr plan --to next:v1 --dry-run/;
  for (const command of [['status'], ['models']]) {
    const { stderr } = await project.run(command);
    expect(stderr).toMatch(warning);
    const { data } = await project.json(command);
    expect(data.calendar).toMatchObject([{ modelId: 'hashed_ngram_64', isSuccessorRegistered: true }]);
  }
  const refused = await project.json(['models', 'update', 'hashed', '--shutdown-at', '2027-02-30']);
  expect(refused).toMatchObject({ exitCode: 2, error: { code: 'SPEC_INVALID' } });
  expect(refused.error?.message).toContain('2027-02-30');
});
