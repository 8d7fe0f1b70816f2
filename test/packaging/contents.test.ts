import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  brokenImports,
  duplicateClasses,
  type Installed,
  manifestFaults,
  pathTraces,
  strayFiles,
} from './contents.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const manifest = (more: object = {}) =>
  JSON.stringify({ name: 'one', version: '0.0.0', license: 'MIT', ...more });
const sound = { 'package.json': manifest(), LICENSE: 'MIT', 'dist/index.js': "import 'node:fs';\n" };

function installed(files: Record<string, string>): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'registry-contents-'));
  folders.push(folder);
  for (const [file, text] of Object.entries({ ...sound, ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return { name: 'one', folder };
}

describe('a look into a package', () => {
  it('finds nothing in a sound one', () => {
    const one = installed({
      'dist/index.d.ts': "import { a } from './chunk.js';\nexport { a };\n",
      'dist/chunk.d.ts': 'declare class Spec {}\n',
      'dist/chunk.js': 'var Spec = class {};\n',
    });
    const findings = [manifestFaults, strayFiles, pathTraces, brokenImports].flatMap((look) => look(one));
    expect([...findings, ...duplicateClasses([one], one)]).toEqual([]);
  });

  it('finds protocols of the workspace and a missing licence', () => {
    const dependencies = { core: 'workspace:*', zod: 'catalog:' };
    const faults = manifestFaults(installed({ 'package.json': manifest({ dependencies, license: 'ISC' }) }));
    expect(faults).toEqual(['"workspace:*"', '"catalog:"', 'no MIT licence']);
  });

  it('finds sources, tests and leftovers', () => {
    const files = {
      'src/index.ts': '',
      'dist/a.ts': '',
      'dist/a.test.js': '',
      'tsup.config.ts': '',
      '.env': '',
    };
    expect([...strayFiles(installed(files))].sort()).toEqual(Object.keys(files).sort());
  });

  it('finds paths of this machine', () => {
    const text = `const file = '${['', 'home', 'somebody', 'x.js'].join('/')}';`;
    expect(pathTraces(installed({ 'dist/index.js': text }))).toHaveLength(1);
  });

  it('finds imports of what is not packed or not declared', () => {
    const one = installed({
      'package.json': manifest({ dependencies: { zod: '4' } }),
      'dist/index.js':
        "import 'zod/v4';\nimport { a } from './gone.js';\nexport * from 'yaml';\nimport('vitest');\n",
      'dist/index.cjs': "require('@scope/name/deep');\n",
      'dist/index.d.ts': "import { a } from '../../core/src/index.ts';\n",
    });
    expect([...brokenImports(one)].sort()).toEqual([
      'dist/index.cjs imports @scope/name/deep',
      'dist/index.d.ts imports ../../core/src/index.ts',
      'dist/index.js imports ./gone.js',
      'dist/index.js imports vitest',
      'dist/index.js imports yaml',
    ]);
  });

  it('finds classes that a second door or a sibling brings along', () => {
    const core = installed({
      'dist/index.d.ts': 'declare class Spec {}\n',
      'dist/index.js': 'var Spec = class extends Base {\n};\nvar Pace = class {\n};\n',
      'dist/testing/index.js': 'class Spec {}\n',
      'dist/index.cjs': 'class Spec {}\n',
    });
    const sibling = {
      ...installed({ 'dist/index.js': '  export class Spec {\n}\nclass Pace {\n}\n' }),
      name: 'two',
    };
    expect(duplicateClasses([core, sibling], core)).toEqual([
      expect.stringMatching(/^one\/dist\/.* declares Spec again$/),
      'two/dist/index.js declares Spec again',
    ]);
  });
});
