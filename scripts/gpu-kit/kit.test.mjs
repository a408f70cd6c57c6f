import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../commands.mjs';
import { conformanceSuites } from './bundle.mjs';

const { GRAM_CUDA_RIG: rig, GRAM_CUDA_RIG_RUNTIME: runtime } = process.env;
const why = rig === undefined ? " (there is no CUDA rig: 'npm run cuda-rig' makes it)" : '';

describe.skipIf(rig === undefined)(`the kit for a machine with a GPU${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gram-kit-test-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const out = join(folder, 'pieces');
  const assemble = (...options) =>
    spawnSync('sh', [join(out, 'assemble.sh'), ...options], {
      cwd: folder,
      encoding: 'utf8',
      // The stand-ins are found before what PyTorch brought along.
      env: { ...process.env, LD_LIBRARY_PATH: rig },
    });

  beforeAll(() => {
    const prepare = join(root, 'scripts/gpu-kit/prepare.mjs');
    execFileSync(process.execPath, [prepare, '--out', out, '--runtime', runtime]);
  }, 600_000);

  it('comes in pieces of at most 54 MiB', () => {
    const pieces = readdirSync(out).filter((name) => name.startsWith('gram-gpu-kit.'));
    expect(pieces.length).toBeGreaterThan(1);
    for (const name of pieces) expect(statSync(join(out, name)).size).toBeLessThanOrEqual(54 * 2 ** 20);
  });

  it('names a piece that is missing or not whole', { timeout: 60_000 }, () => {
    const path = join(out, 'gram-gpu-kit.01');
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(1));
    const { status, stdout } = assemble();
    expect(status).toBe(1);
    expect(stdout).toMatch(/missing or not whole:\n.*gram-gpu-kit\.01/);
    expect(stdout).not.toContain('gram-gpu-kit.00');
    writeFileSync(path, whole);
  });

  it('runs whole: doctor, conformance, training, scoring, generation and PPO', { timeout: 900_000 }, () => {
    const { status, stdout, stderr } = assemble(
      ...['--rig', '--configurations', 'tiny', '--precisions', 'bfloat16', '--python', 'none'],
    );
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    expect(stdout).toContain('Kernels compute nothing on the rig: no number is compared.');
    for (const suite of conformanceSuites().map(({ out }) => out.slice('conformance-'.length))) {
      const counts = JSON.parse(new RegExp(`^${suite}: (.*)$`, 'm').exec(stdout)[1]);
      expect(counts, suite).toMatchObject({ failed: 0, outside: [] });
      expect(counts.passed + counts.uncompared, suite).toBeGreaterThan(0);
      // Arrays that are only placed need no graph.
      if (suite !== 'placed') expect(counts.operations, suite).toBeGreaterThan(10);
    }
    for (const work of ['train 1', 'train 2', 'score', 'generate', 'ppo']) {
      expect(stdout).toMatch(
        new RegExp(`^${work} +tiny +bfloat16 +not measured +not run +not compared`, 'm'),
      );
    }
  });
});
