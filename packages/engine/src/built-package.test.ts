import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const engine = fileURLToPath(new URL('../', import.meta.url));
// Inside of the package, so that what the build does not contain is found.
const folder = mkdtempSync(join(engine, 'node_modules', '.built-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (args: string[], options = {}) => promisify(execFile)(process.execPath, args, options);
const bundler = join(
  dirname(createRequire(import.meta.url).resolve('tsup/package.json')),
  'dist/cli-default.js',
);

beforeAll(async () => {
  // The bundler reads which packages are dependencies in the folder that it runs in.
  await node([bundler, '--no-dts', '--no-sourcemap', '--out-dir', folder], { cwd: engine });
});

/** Runs a program beside the built package. */
async function runProgram(name: string, program: string, env: NodeJS.ProcessEnv = process.env) {
  writeFileSync(join(folder, name), program);
  return node([join(folder, name)], { env });
}

it('gradients and chained operations of the core that a program imports work', async () => {
  const { stdout } = await runProgram(
    'gradients.mjs',
    `
    import * as tf from '@tensorflow/tfjs-core';
    import { compile, float32 } from './index.js';

    const step = compile(({ w, x }) => {
      const { value, grad } = tf.valueAndGrad((w) => tf.tanh(x.matMul(w)).square().sum())(w);
      return { w: w.sub(grad.mul(0.1)), loss: value };
    });
    const { loss, w } = await step({ w: float32([2, 1], [1, 0]), x: float32([1, 2], [0.5, 2]) });
    console.log(JSON.stringify([loss.data[0], ...w.data]));
    `,
  );
  const [loss, first, second] = JSON.parse(stdout) as [number, number, number];
  // d tanh(z)^2 / dw = 2 tanh(z) (1 - tanh(z)^2) x, at z = 0.5
  const slope = 2 * Math.tanh(0.5) * (1 - Math.tanh(0.5) ** 2);
  expect(loss).toBeCloseTo(Math.tanh(0.5) ** 2, 6);
  expect(first).toBeCloseTo(1 - 0.1 * slope * 0.5, 6);
  expect(second).toBeCloseTo(-0.1 * slope * 2, 6);
});

it.each([
  ['the main thread', 'console.log((await diagnose()).length);'],
  [
    'a worker',
    `
    import { isMainThread, Worker } from 'node:worker_threads';
    if (isMainThread) new Worker(new URL(import.meta.url));
    else console.log((await diagnose()).length);
    `,
  ],
])(
  'trying every device in %s leaves nothing behind and no warnings of libraries',
  async (_where, program) => {
    const [home, temporary] = [
      mkdtempSync(join(tmpdir(), 'home-')),
      mkdtempSync(join(tmpdir(), 'temporary-')),
    ];
    try {
      // What Mesa's driver of a software GPU keeps is its own, and turned off by its own variable.
      const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, TMPDIR: temporary };
      env.MESA_SHADER_CACHE_DISABLE = 'true';
      delete env.ORT_DISABLE_TELEMETRY;
      delete env.XDG_CACHE_HOME;
      const source = `import { diagnose } from './index.js';\n${program}`;
      const { stdout, stderr } = await runProgram('diagnose.mjs', source, env);
      expect(stdout.trim()).toBe('4');
      expect(stderr).not.toMatch(/maxDynamic|telemetry/i);
      expect([...readdirSync(home), ...readdirSync(temporary)]).toEqual([]);
    } finally {
      for (const each of [home, temporary]) rmSync(each, { recursive: true, force: true });
    }
  },
);
