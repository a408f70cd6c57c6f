import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@gram/model';
import type { TrainingRecord } from '@gram/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

const bin = fileURLToPath(new URL('../../bin/gram.js', import.meta.url));
const built = existsSync(fileURLToPath(new URL('../../dist/bin.js', import.meta.url)));
// Installed by `npm run mpi` where it may; without it, or without a build, there is nothing to run.
const launcher = spawnSync('mpirun', ['--version']).status === 0;

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
const sets = (...values: string[]) => values.flatMap((value) => ['--set', value]);
const metrics = (run: string): TrainingRecord[] =>
  readFileSync(shop.path(`${run}/metrics.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function together(...argv: string[]) {
  const options = ['-np', '2', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
  const child = spawnSync(
    'mpirun',
    [...options, process.execPath, bin, 'finetune', '--config', shop.path('config.yaml'), ...argv],
    {
      env: { ...process.env, GRAM_THREADS: '1' },
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  return { status: child.status, stdout: child.stdout, stderr: child.stderr };
}

beforeAll(async () => {
  shop = await judgeWorkshop();
});
afterAll(() => shop.remove());

it.skipIf(!built || !launcher).each(['none', 'zero1'])(
  'two processes train what one trains, sharding %s, and one goes on from their checkpoint',
  { timeout: 240_000 },
  async (sharding) => {
    const values = sets(
      `optimizer.sharding=${sharding}`,
      'checkpointEvery=4',
      'keepCheckpoints=9',
      'validation.path=pairs.jsonl',
      'validation.limit=7',
    );
    const two = together(...values, ...sets(`output=two-${sharding}`));
    expect(two.status, two.stderr).toBe(0);
    // The first process alone says and writes something.
    expect(two.stdout).toBe(`${shop.path(`two-${sharding}`)}/model\n`);
    expect(two.stderr).toContain('processes: 2');
    expect(two.stderr.match(/^estimate: /gm)).toHaveLength(1);
    const alone = metrics('out');
    const expectSameLosses = (others: readonly TrainingRecord[]) => {
      expect(others).toHaveLength(alone.length);
      for (const [i, { loss }] of alone.entries()) {
        expect(Math.abs(others[i]!.loss - loss), `step ${i + 1}`).toBeLessThan(1e-5 * Math.max(1, loss));
      }
    };
    const both = metrics(`two-${sharding}`);
    expectSameLosses(both);
    expect(both.flatMap(({ step, validation }) => (validation ? [step] : []))).toEqual([4, 8, 10]);
    const argv = [
      'finetune',
      '--config',
      shop.path('config.yaml'),
      ...values,
      ...sets(`output=one-${sharding}`),
    ];
    const resumed = await gram([...argv, '--resume', shop.path(`two-${sharding}/checkpoint-0000004`)]);
    expect(resumed.status, resumed.stderr).toBe(0);
    expectSameLosses(metrics(`one-${sharding}`));
    // Both models are those of the same step, the best one on held-out data.
    const [a, b] = await Promise.all(
      [`two-${sharding}`, `one-${sharding}`].map((run) =>
        readSafetensors(shop.path(`${run}/model/model.safetensors`)),
      ),
    );
    for (const [name, { data }] of Object.entries(a!.tensors)) {
      const other = b!.tensors[name]!.data;
      const apart = Math.max(...data.map((value, i) => Math.abs(value - other[i]!)));
      expect(apart, name).toBeLessThan(1e-3);
    }
  },
);

it.skipIf(!built || !launcher)(
  'all processes end with the error of one, and nothing is written',
  { timeout: 120_000 },
  () => {
    const outcome = together(...sets('optimizer.batchSize=99', 'output=refused'));
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toContain('optimizer.batchSize is 99');
    expect(existsSync(shop.path('refused'))).toBe(false);
    expect(readdirSync(shop.directory)).not.toContain('refused');
  },
);
