import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@gram/data';
import { afterAll, expect, it } from 'vitest';
import { contents } from './__fixtures__/directory.js';

const script = fileURLToPath(new URL('./__fixtures__/killed-run.mjs', import.meta.url));
// The process that is killed runs the built package.
const built = existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url)));

const root = mkdtempSync(join(tmpdir(), 'gram-ppo-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Runs the script to its end, or kills it after some milliseconds. */
async function run(output: string, killAfter?: number): Promise<'done' | 'killed'> {
  const child = spawn(process.execPath, [script, output], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<'done' | 'killed'>((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve('done');
      else reject(new Error(Buffer.concat(errors).toString()));
    });
  });
  if (killAfter !== undefined) {
    await Promise.race([ended, sleep(killAfter)]);
    child.kill('SIGKILL');
  }
  return ended;
}

it.skipIf(!built)(
  'a process that is killed at random moments resumes to the same bytes',
  { timeout: 240_000 },
  async () => {
    const started = performance.now();
    await run(join(root, 'straight'));
    const whole = performance.now() - started;
    const random = createRandom(11, 'kill');
    const output = join(root, 'killed');
    let kills = 0;
    // Later and later, so that the run gets further although it is always killed.
    while (kills < 12 && (await run(output, whole * (0.25 + 0.6 * random.uniform()))) === 'killed') kills++;
    expect(kills).toBeGreaterThan(2);
    await run(output);
    expect(contents(output)).toEqual(contents(join(root, 'straight')));
  },
);
