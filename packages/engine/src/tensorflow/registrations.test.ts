import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const engine = fileURLToPath(new URL('../../', import.meta.url));
// Inside of the package, so that what the build does not contain is found.
const folder = mkdtempSync(join(engine, 'node_modules', '.built-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (args: string[], options = {}) => promisify(execFile)(process.execPath, args, options);
const bundler = join(
  dirname(createRequire(import.meta.url).resolve('tsup/package.json')),
  'dist/cli-default.js',
);

const program = `
import * as tf from '@tensorflow/tfjs-core';
import { compile, float32 } from './index.js';

const step = compile(({ w, x }) => {
  const { value, grad } = tf.valueAndGrad((w) => tf.tanh(x.matMul(w)).square().sum())(w);
  return { w: w.sub(grad.mul(0.1)), loss: value };
});
const { loss, w } = await step({ w: float32([2, 1], [1, 0]), x: float32([1, 2], [0.5, 2]) });
console.log(JSON.stringify([loss.data[0], ...w.data]));
`;

it('gradients and chained operations of the core that a program imports work with the built package', async () => {
  // The bundler reads which packages are dependencies in the folder that it runs in.
  await node([bundler, '--no-dts', '--no-sourcemap', '--out-dir', folder], { cwd: engine });
  writeFileSync(join(folder, 'program.mjs'), program);
  const { stdout } = await node([join(folder, 'program.mjs')]);
  const [loss, first, second] = JSON.parse(stdout) as [number, number, number];
  // d tanh(z)^2 / dw = 2 tanh(z) (1 - tanh(z)^2) x, at z = 0.5
  const slope = 2 * Math.tanh(0.5) * (1 - Math.tanh(0.5) ** 2);
  expect(loss).toBeCloseTo(Math.tanh(0.5) ** 2, 6);
  expect(first).toBeCloseTo(1 - 0.1 * slope * 0.5, 6);
  expect(second).toBeCloseTo(-0.1 * slope * 2, 6);
});
