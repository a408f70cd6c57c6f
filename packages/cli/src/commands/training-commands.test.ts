import { stageNames, stageOf } from '@gram/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';
import { commandTable } from '../command-table.js';

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.remove());

const small = [
  'init.scratch.hiddenSize=32',
  'init.scratch.intermediateSize=48',
  'init.scratch.numHiddenLayers=1',
  'optimizer.batchSize=8',
];
const sets = (...values: string[]) => values.flatMap((value) => ['--set', value]);

describe('training from a preset alone', () => {
  it.each([
    ['pretrain', 'pretrain', 'pairs.jsonl', 'generative'],
    ['finetune', 'finetune', 'pairs.jsonl', 'generative'],
    ['bradley-terry', 'bradley-terry', 'pairs.jsonl', 'discriminative'],
    ['sft', 'sft', 'demonstrations.jsonl', 'policy'],
  ])('gram %s runs the stage %s', async (command, stage, data, kind) => {
    const output = shop.path(`run-${command}`);
    const values = sets(...small, `data.path=${shop.path(data)}`, `output=${output}`);
    const { status, stdout, stderr } = await gram([command, '--preset', 'laptop', ...values]);
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(`${output}/model\n`);
    expect(stderr).toContain(`${stage}: 40 examples`);
    expect(stderr).toContain(`model: ${kind}`);
    expect(stderr).toMatch(/^estimate: \d+ MB of memory, [\d,]+ tokens, /m);
    const inspected = await gram(['inspect', `${output}/model`]);
    expect(inspected.stdout).toContain(`${kind} model of gram`);
  });
});

describe('a training command', () => {
  const refused = async (argv: string[], message: RegExp, status = 2) => {
    const outcome = await gram(argv);
    expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  };

  it('needs a configuration, a known preset and its own stage', async () => {
    await refused(['pretrain'], /gram pretrain needs a configuration; give --config FILE or --preset NAME/);
    await refused(['sft', '--preset', 'laptob'], /did you mean laptop\?/);
    await refused(
      ['pretrain', '--config', shop.path('config.yaml')],
      /runs the stage pretrain, and the configuration says finetune; use gram finetune/,
    );
    await refused(['finetune', '--preset', 'laptop'], /data is missing|data.path is missing/, 1);
  });

  it('prints what a preset and overrides come to', async () => {
    const values = sets('data.path=/d.jsonl', 'output=/o', 'lora.rank=8');
    const { status, stdout } = await gram([
      'finetune',
      '--preset',
      'qwen3-1.7b',
      ...values,
      '--print-config',
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/model: Qwen\/Qwen3-1.7B\n/);
    expect(stdout).toMatch(/smoothingConvention: uniform-mix\n/);
    expect(stdout).toMatch(/rank: 8\n/);
  });
});

describe('the table of commands', () => {
  it.each(stageNames.map(stageOf))('has a row for the stage $name, with its summary', ({ name, summary }) => {
    expect(commandTable.find((entry) => entry.name === name)?.summary).toBe(summary);
  });
});
