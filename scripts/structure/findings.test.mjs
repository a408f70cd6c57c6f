import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findings } from './findings.mjs';

const roots = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** What is found in a repository of these files: `kind where`. */
function found(files, folders) {
  const root = mkdtempSync(join(tmpdir(), 'gram-structure-'));
  roots.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return findings(root, folders).map(({ kind, where }) => `${kind} ${where}`);
}

const a = 'packages/one/src/a.ts';
const b = 'packages/one/src/b.ts';
const imports = (...names) => names.map((name) => `import { x } from '${name}';\n`).join('');
const lines = (count) => '  work();\n'.repeat(count);

describe('circles', () => {
  it('of files are found, also over type imports, exports and imports at run time', () => {
    const ways = [
      "import type { B } from './b.js';",
      "export { x } from './b.js';",
      "await import('./b.js');",
    ];
    for (const way of [...ways, "type B = import('./b.js').B;"]) {
      expect(found({ [a]: way, [b]: imports('./a.js') }), way).toEqual([`file-circle ${a} ${b}`]);
    }
    expect(found({ [a]: imports('./b.js'), [b]: '' })).toEqual([]);
  });

  it('of folders are found where no file is in a circle', () => {
    const files = {
      'packages/one/src/left/a.ts': imports('../right/a.js'),
      'packages/one/src/left/b.ts': '',
      'packages/one/src/right/a.ts': '',
      'packages/one/src/right/b.ts': imports('../left/b.js'),
    };
    const where = 'folder-circle packages/one/src/left packages/one/src/right';
    expect(found(files)).toEqual([where]);
    expect(found({ ...files, 'packages/one/src/right/b.ts': '' })).toEqual([]);
  });

  it('of a folder and one below it are found, but not of the files that lie in src', () => {
    const inside = {
      'packages/one/src/room/a.ts': imports('./below/a.js'),
      'packages/one/src/room/b.ts': '',
      'packages/one/src/room/below/a.ts': imports('../b.js'),
    };
    expect(found(inside)).toEqual(['folder-circle packages/one/src/room packages/one/src/room/below']);
    const house = { [a]: imports('./room/a.js'), [b]: '', 'packages/one/src/room/a.ts': imports('../b.js') };
    expect(found(house)).toEqual([]);
  });

  it('of packages are found', () => {
    const files = {
      'packages/one/src/a.ts': imports('@gram/two'),
      'packages/two/src/a.ts': imports('@gram/one/testing'),
    };
    expect(found(files)).toEqual(['package-circle packages/one packages/two']);
  });
});

describe('shape', () => {
  it('allows twelve sources side by side, beside an index and tests', () => {
    const files = (count) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`packages/one/src/room/f${i}.ts`, '']));
    const others = {
      'packages/one/src/room/index.ts': '',
      'packages/one/src/room/a.test.ts': '',
      'packages/one/src/room/helper.ts': imports('vitest'),
      'packages/one/src/room/__fixtures__/a.ts': '',
    };
    expect(found({ ...files(12), ...others })).toEqual([]);
    expect(found({ ...files(13), ...others })).toEqual(['crowded-folder packages/one/src/room']);
  });

  it('allows sixty lines of a function', () => {
    expect(found({ [a]: `/** Long. */\nfunction work() {\n${lines(58)}}\n` })).toEqual([]);
    expect(found({ [a]: `function work() {\n${lines(59)}}\n` })).toEqual([`long-function ${a} work`]);
    const forms = {
      [`const work = () => {\n${lines(59)}};\n`]: 'work',
      [`class Worker {\n  constructor() {\n${lines(59)}  }\n}\n`]: 'constructor',
      [`describe(() => {\n${lines(59)}});\n`]: 'the function given to describe',
    };
    for (const [text, name] of Object.entries(forms)) {
      expect(found({ [a]: text })).toEqual([`long-function ${a} ${name}`]);
    }
  });

  it('wants a reason for value! and as unknown as', () => {
    const ignored = '// biome-ignore lint/style/noNonNullAssertion: the line above sets it\n';
    expect(found({ [a]: 'const x = y!;\n' })).toEqual([`non-null ${a}`]);
    expect(found({ [a]: `${ignored}const x = y!;\n` })).toEqual([]);
    expect(found({ [a]: `${ignored.replace(/ the.*/, '')}const x = y!;\n` })).toEqual([`non-null ${a}`]);
    const doubled = 'const x = y as unknown as string;\n';
    expect(found({ [a]: doubled })).toEqual([`double-assertion ${a}`]);
    expect(found({ [a]: `// The library types it wrongly.\n${doubled}` })).toEqual([]);
    expect(found({ [a]: 'const x = y !== z;\n' })).toEqual([]);
  });
});

it('lists what lies in the chosen folders alone', () => {
  const files = { 'packages/one/src/a.ts': 'const x = y!;\n', 'packages/two/src/a.ts': 'const x = y!;\n' };
  expect(found(files)).toHaveLength(2);
  expect(found(files, ['packages/two'])).toEqual(['non-null packages/two/src/a.ts']);
});
