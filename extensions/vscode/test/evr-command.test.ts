import { expect, it } from 'vitest';
import { evr } from '../../../packages/cli/test/evr.ts';
import { parametersOf, withFlags } from '../src/work/evr-command.ts';
import { temporaryFolder } from './scene.ts';

const which = ['--config', 'none.config.ts'];

it('a command has its flags, which project it is for, and then what it is about', () => {
  const command = withFlags({ words: 'models activate', operand: 'a:v1' }, '--migrate');
  expect(parametersOf(command, which)).toEqual([
    'models',
    'activate',
    '--migrate',
    ...which,
    '--json',
    '--',
    'a:v1',
  ]);
});

it.each([
  ['show', '--help'],
  ['run', '--db=other.sqlite'],
  ['models activate', '-y'],
  ['witness', '--'],
])('evr %s takes a plan or model that is called %s for one', async (words, operand) => {
  const { stdout } = await evr(parametersOf({ words, operand }, which), { cwd: temporaryFolder() });
  // It got as far as the project it is for.
  expect(JSON.parse(stdout)).toMatchObject({ command: words, error: { code: 'CONFIG_INVALID' } });
});
