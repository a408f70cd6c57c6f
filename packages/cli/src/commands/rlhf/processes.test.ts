import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demonstrationsConfig, gram, workshop } from '../../__fixtures__/run.js';

const bin = fileURLToPath(new URL('../../../bin/gram.js', import.meta.url));
const built = existsSync(fileURLToPath(new URL('../../../dist/bin.js', import.meta.url)));
// Installed by `npm run mpi` where it may; without it, or without a build, there is nothing to run.
const launcher = spawnSync('mpirun', ['--version']).status === 0;

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
  const world = createWorld({ seed: 6 });
  await writeJsonl(shop.path('prompts.jsonl'), world.prompts('policy', 12));
  await writeJsonl(shop.path('validation.jsonl'), world.prompts('policy-validation', 4));
  writeFileSync(shop.path('train.yaml'), demonstrationsConfig);
  writeFileSync(shop.path('grpo.yaml'), rlhf);
  writeFileSync(shop.path('broken.mjs'), broken);
  const { status, stderr } = await gram(['sft', '--config', shop.path('train.yaml')]);
  expect(status, stderr).toBe(0);
});
afterAll(() => shop.remove());

const rlhf = `
policy: { model: runs/sft/model }
prompts: { path: prompts.jsonl }
validation: { path: validation.jsonl }
rewards:
  - { name: length, length: { max: 4, buffer: 8 } }
steps: 4
maxNewTokens: 12
batchSize: 4
miniBatchSize: 8
epochs: 1
evaluateEvery: 2
policyLearningRate: 1e-3
`;

/** Works in the trial of both processes, and then fails in the second one. */
const broken = `
let calls = 0;
export default (groups) => {
  calls++;
  if (calls > 3 && process.env.OMPI_COMM_WORLD_RANK === '1') throw new Error('the judge is gone');
  return groups.map(({ responses }) => responses.map((text) => text.length));
};
`;

function together(...argv: string[]) {
  const options = ['-np', '2', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
  const command = [process.execPath, bin, 'grpo', '--config', shop.path('grpo.yaml'), ...argv];
  return spawnSync('mpirun', [...options, ...command], {
    env: { ...process.env, GRAM_THREADS: '1' },
    encoding: 'utf8',
    timeout: 120_000,
  });
}

const records = (run: string) =>
  readFileSync(shop.path(`${run}/metrics.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function expectSame(found: readonly Record<string, unknown>[], expected: typeof found): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, record] of expected.entries()) {
    for (const name of ['score', 'policyLoss', 'kl', 'entropy', 'length']) {
      const [own, other] = [found[i]![name], record[name]];
      if (typeof other !== 'number') expect(own, `${name} of record ${i}`).toBe(other);
      else expect(Math.abs((own as number) - other), `${name} of record ${i}`).toBeLessThan(1e-4);
    }
  }
}

it.skipIf(!built || !launcher)(
  'two processes take the steps of one, and one goes on from their checkpoint',
  { timeout: 240_000 },
  async () => {
    const alone = await gram(['grpo', '--config', shop.path('grpo.yaml'), '--set', 'output=runs/one']);
    expect(alone.status, alone.stderr).toBe(0);
    const expected = records('runs/one');
    expect(expected.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    const two = together('--set', 'output=runs/two', '--set', 'steps=2');
    expect(two.status, two.stderr).toBe(0);
    // The first process alone says and writes something.
    expect(two.stdout).toBe(`${shop.path('runs/two/model')}\n`);
    expect(two.stderr.match(/^processes: 2$/gm)).toHaveLength(1);
    expectSame(records('runs/two'), expected.slice(0, 3));
    const more = together('--set', 'output=runs/two', '--resume');
    expect(more.status, more.stderr).toBe(0);
    expectSame(records('runs/two'), expected);
  },
);

it.skipIf(!built || !launcher)(
  'the failure of a reward in one process ends both, with a checkpoint of the last whole step',
  { timeout: 120_000 },
  () => {
    const rewards = ['rewards=[{ name: own, module: ./broken.mjs, onFailure: stop, retries: 0 }]'];
    const outcome = together(...['output=runs/broken', ...rewards].flatMap((set) => ['--set', set]));
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toMatch(/rank 1: .*the judge is gone/);
    expect(existsSync(shop.path('runs/broken/checkpoint-0000001/ppo.json'))).toBe(true);
  },
);
