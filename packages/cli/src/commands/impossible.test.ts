import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
beforeAll(async () => {
  shop = await judgeWorkshop();
  const config = JSON.parse(readFileSync(shop.path('out/model/config.json'), 'utf8'));
  const odd = { ...config, model_type: 'gpt_neox', architectures: ['GPTNeoXForCausalLM'] };
  writeFileSync(shop.path('odd.json'), JSON.stringify(odd));
});
afterAll(() => shop.remove());

const fromModel = ['init.scratch=', 'init.model=out/model'];

it.each([
  [
    'a batch larger than the data',
    ['optimizer.batchSize=41'],
    /batchSize is 41, and .*pairs.jsonl gives 40 examples; set optimizer.batchSize to 40/,
  ],
  [
    'a context smaller than the template',
    ['maxLength=12', 'overlong=truncate'],
    /maxLength 12 has no room for text: the template alone takes \d+ tokens/,
  ],
  [
    'a context larger than the model',
    [...fromModel, 'maxLength=513'],
    /maxLength is 513, and the model in .* is made for 512 tokens/,
  ],
  ['records that do not fit', ['maxLength=40'], /needs \d+ tokens and 40 are allowed/],
  [
    'a target module that does not exist',
    [...fromModel, 'lora.targets=[query_proj]'],
    /lora.targets.* must be one of q_proj.*did you mean .*_proj/,
  ],
  ['a device that there is not', ['device=gpu'], /device must be one of cpu, webgpu, cuda, tensorflow, auto/],
  [
    'a precision that the device lacks',
    ['precision=float16'],
    /the device 'cpu' has no matrix products in float16; use 'float32'/,
  ],
  ['an adapter of nothing', ['lora.rank=2'], /lora needs init.model/],
  ['no data', ['data.path=absent.jsonl'], /absent.jsonl/],
  ['labels for stage 1', ['stage=pretrain', 'labelSmoothing=0.1'], /labelSmoothing has no meaning/],
  [
    'a policy from a model that scores',
    [
      'stage=sft',
      'data.path=demonstrations.jsonl',
      'data.format=demonstration',
      'init.scratch=',
      'init.model=scorer/model',
    ],
    /gives a score and has no next-token head/,
  ],
])('refuses %s before anything is computed or written', async (_, sets, message) => {
  if (String(sets).includes('scorer')) {
    const scorer = ['stage=bradley-terry', 'optimizer.epochs=1', 'output=scorer'];
    const { status } = await gram([
      'finetune',
      '--config',
      shop.path('config.yaml'),
      ...scorer.flatMap((s) => ['--set', s]),
    ]);
    expect(status).toBe(0);
  }
  const argv = [
    'finetune',
    '--config',
    shop.path('config.yaml'),
    ...[...sets, 'output=refused'].flatMap((s) => ['--set', s]),
  ];
  const { status, stdout, stderr } = await gram(argv);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
  expect(stderr).toMatch(message);
  expect(existsSync(shop.path('refused'))).toBe(false);
});

it('refuses a model of another architecture, and a checkpoint of another size', async () => {
  const directory = shop.path('out/model');
  const config = readFileSync(join(directory, 'config.json'), 'utf8');
  const run = (...sets: string[]) =>
    gram(['finetune', '--config', shop.path('config.yaml'), ...sets.flatMap((s) => ['--set', s])]);
  try {
    writeFileSync(join(directory, 'config.json'), readFileSync(shop.path('odd.json')));
    const odd = await run(...fromModel, 'output=refused');
    expect(odd.stderr).toMatch(
      /^gram: .*model_type: only "llama", "mistral", "qwen2", "qwen3"(, "\w+")* are supported/,
    );
  } finally {
    writeFileSync(join(directory, 'config.json'), config);
  }
  const first = await run('output=sized', 'checkpointEvery=2', 'keepCheckpoints=9');
  expect(first.status, first.stderr).toBe(0);
  const argv = [
    'finetune',
    '--config',
    shop.path('config.yaml'),
    '--set',
    'output=refused',
    '--set',
    'optimizer.learningRate=9',
  ];
  const other = await gram([...argv, '--resume', shop.path('sized/checkpoint-0000004')]);
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/the checkpoint is of another run: learningRate differ/);
});
