import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { ScriptTarget, transpile } from 'typescript';
import { expect, it } from 'vitest';
import * as engine from './index.js';
import { deviceStates } from './testing.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it('lists the kernels that can be traced, all of them', () => {
  const table = readme.slice(readme.indexOf('## Kernels'), readme.indexOf('## Limits'));
  const listed = [...table.matchAll(/^\| [a-z-]+ +\| (.+?) *\|$/gm)].flatMap(([, names]) =>
    names!.split(', '),
  );
  expect(listed.filter((name) => /^[A-Z][A-Za-z0-9]*$/.test(name)).sort()).toEqual(
    [...engine.tracedKernels].sort(),
  );
});

const example = transpile(/```ts\n([\s\S]+?)```/.exec(readme)![1]!.replaceAll(/^import .*$/gm, ''), {
  target: ScriptTarget.ES2022,
});

for (const { device, reason } of await deviceStates()) {
  it.skipIf(reason !== undefined)(`its example trains a network on ${device}`, async () => {
    const code = example.replace("const device = 'cpu'", `const device = '${device}'`);
    expect(code).toContain(`'${device}'; //`);
    const printed: unknown[][] = [];
    const AsyncFunction = (async () => {}).constructor as new (
      ...args: string[]
    ) => (...args: unknown[]) => Promise<void>;
    const run = new AsyncFunction('compile', 'float32', 'place', 'read', 'tf', 'console', code);
    const { compile, float32, place, read } = engine;
    await run(compile, float32, place, read, tf, { log: (...values: unknown[]) => printed.push(values) });
    const losses = printed.slice(0, -1).map(([, loss]) => loss as number);
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)!).toBeLessThan(0.1 * losses[0]!);
  });
}
