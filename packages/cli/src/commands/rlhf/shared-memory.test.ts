import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { saveHubModel } from '../../__fixtures__/hub-model.js';
import { gram, workshop } from '../../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
  const world = createWorld({ seed: 6 });
  await writeJsonl(
    shop.path('prompts.jsonl'),
    world.prompts('policy', 8).map(({ prompt }) => ({ prompt })),
  );
  await saveHubModel(shop.path('hub'), world.corpus(100));
  writeFileSync(shop.path('train.yaml'), training);
  writeFileSync(shop.path('rlhf.yaml'), rlhf);
  await run('sft', '--config', shop.path('train.yaml'));
  const judge = [
    'init={ model: runs/sft/model, judgePrompt: gram-compact-1 }',
    'data.path=pairs.jsonl',
    'output=runs/judge',
  ];
  await run('finetune', '--config', shop.path('train.yaml'), ...judge.flatMap((set) => ['--set', set]));
}, 120_000);
afterAll(() => shop.remove());

async function run(...argv: string[]) {
  const outcome = await gram(argv);
  expect(outcome.status, outcome.stderr).toBe(0);
  return outcome;
}

const training = `
init: { model: hub }
lora: { rank: 2 }
maxLength: 512
optimizer: { learningRate: 3e-3, batchSize: 8, microBatchSize: 4 }
data: { path: demonstrations.jsonl }
output: runs/sft
`;

const rlhf = `
policy: { model: runs/sft/model, lora: { rank: 4, targets: [q_proj, down_proj] } }
prompts: { path: prompts.jsonl }
rewards:
  - { name: judge, judge: { adapter: runs/judge/adapter } }
steps: 2
maxNewTokens: 8
batchSize: 4
miniBatchSize: 4
epochs: 1
valueOnlySteps: 1
checkpointEvery: 1
value: policy
output: runs/ppo
`;

it('goes from a model of the hub to an adapter with three commands and two files, without validation', {
  timeout: 120_000,
}, async () => {
  const config = ['--config', shop.path('rlhf.yaml')];
  const dry = await run('ppo', ...config, '--dry-run');
  expect(dry.stderr).toMatch(/policy: [\d,]+ parameters, under an adapter of 576 that is trained/);
  expect(dry.stderr).toMatch(/validation: none/);
  await run('ppo', ...config);
  // The judge that shares the base says what the merged judge says.
  const merged = ['rewards=[{ name: judge, judge: { model: runs/judge/model } }]', 'output=runs/merged'];
  await run('ppo', ...config, ...merged.flatMap((set) => ['--set', set]));
  const scores = (output: string) =>
    readFileSync(shop.path(`${output}/metrics.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).score as number);
  const [own, other] = [scores('runs/ppo'), scores('runs/merged')];
  expect(own.length).toBe(2);
  for (const [i, score] of own.entries()) expect(score).toBeCloseTo(other[i]!, 4);
  expect(readdirSync(shop.path('runs/ppo')).sort()).toContain('adapter');
  const answer = await run('generate', '--model', shop.path('runs/ppo/model'), '--prompt', 'Add', '--plain');
  expect(answer.stdout).not.toBe('');
});

it('measures the KL to another model of the file', { timeout: 60_000 }, async () => {
  const sets = ['referenceModel=runs/judge/model', 'steps=1', 'valueOnlySteps=', 'output=runs/other'];
  await run('grpo', '--config', shop.path('rlhf.yaml'), ...sets.flatMap((set) => ['--set', set]));
  const [record] = readFileSync(shop.path('runs/other/metrics.jsonl'), 'utf8').split('\n');
  // The policy begins as another model than the judge is.
  expect(JSON.parse(record!).kl).toBeGreaterThan(1e-6);
});

it('refuses a judge over other weights, and one that is two things', async () => {
  const refused = async (...sets: string[]) => {
    const argv = [
      'grpo',
      '--config',
      shop.path('rlhf.yaml'),
      '--set',
      'valueOnlySteps=',
      '--set',
      'output=runs/no',
    ];
    const { status, stderr } = await gram([...argv, ...sets.flatMap((set) => ['--set', set])]);
    expect(status).toBe(1);
    return stderr;
  };
  expect(await refused('policy={ model: runs/judge/model }')).toMatch(/trained over other weights/);
  expect(await refused('rewards=[{ name: a, judge: { model: b, adapter: c } }]')).toMatch(
    /rewards\.0\.judge needs either model or adapter/,
  );
  expect(await refused('rewards=[{ name: a, judge: { adapter: c, precision: int8 } }]')).toMatch(
    /an adapter shares the float32 weights/,
  );
  expect(await refused('reference=none', 'referenceModel=runs/sft/model')).toMatch(/referenceModel is given/);
});
