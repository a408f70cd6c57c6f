import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakages } from '../../../run/src/checkpoints/__fixtures__/breakages.js';
import { contents } from '../__fixtures__/directory.js';
import { tinyConfig, tinyRun } from '../__fixtures__/tiny-run.js';
import { ppo } from '../trainer.js';

const root = mkdtempSync(join(tmpdir(), 'gram-ppo-'));
afterAll(() => rmSync(root, { recursive: true }));

const run = () => ({
  ...tinyRun({ ...tinyConfig, numHiddenLayers: 1 }),
  options: {
    ...{ steps: 4, maxNewTokens: 4, batchSize: 4, miniBatchSize: 4, epochs: 1, valueOnlySteps: 1 },
    ...{ evaluateEvery: 4, checkpointEvery: 2, seed: 5 },
  },
});

describe('a broken checkpoint of RLHF', () => {
  const straight = join(root, 'straight');
  beforeAll(async () => {
    await ppo({ ...run(), output: straight });
  });

  it.each(breakages)('$name: is refused by name, and the older one is used on request', async (breakage) => {
    const output = join(root, 'broken');
    rmSync(output, { recursive: true, force: true });
    cpSync(straight, output, { recursive: true });
    const path = join(output, 'checkpoint-0000004');
    const older = join(output, 'checkpoint-0000002');
    breakage.break({
      ...{ path, older, weights: 'policy/model.safetensors', moments: 'policy-moments.safetensors' },
      ...{ state: 'ppo.json', records: 'steps' },
    });
    await expect(ppo({ ...run(), output, resume: true })).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringMatching(new RegExp(`^${path} is broken: .*${breakage.says.source}`)),
      hint: expect.stringContaining(older),
    });
    await ppo({ ...run(), output, resume: older });
    expect(contents(output)).toEqual(contents(straight));
  });
});
