import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/base';
import { afterAll, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';

const script = fileURLToPath(new URL('../__fixtures__/killed-run.mjs', import.meta.url));
// The process that is killed runs the built package.
const built = existsSync(fileURLToPath(new URL('../../dist/index.js', import.meta.url)));

const root = mkdtempSync(join(tmpdir(), 'gram-ppo-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Runs the script to its end, or until it kills itself some milliseconds after some steps. */
function run(output: string, method: string, ...kill: number[]): Promise<'done' | 'killed'> {
  const child = spawn(process.execPath, [script, output, method, ...kill.map(String)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve('done');
      else reject(new Error(Buffer.concat(errors).toString()));
    });
  });
}

it.skipIf(!built).each([
  ['ppo', 3],
  ['adapter-ppo', 2],
  ['adapter-grpo', 2],
  ['adapter-rloo', 2],
])(
  'a process of %s that is killed at random moments resumes to the same bytes',
  { timeout: 240_000 },
  async (method, least) => {
    const [straight, output] = [join(root, `${method} straight`), join(root, `${method} killed`)];
    await run(straight, method);
    const random = createRandom(11, 'kill', method);
    let kills = 0;
    // At least as many steps as lie between two checkpoints, so that the run gets further although it is always killed.
    while ((await run(output, method, 2 + random.integer(4), random.integer(40))) === 'killed') kills++;
    expect(kills).toBeGreaterThanOrEqual(least);
    expect(contents(output)).toEqual(contents(straight));
  },
);
