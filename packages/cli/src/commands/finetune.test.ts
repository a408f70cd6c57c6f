import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
const finetune = (output: string, ...more: string[]) =>
  gram(['finetune', '--config', shop.path('config.yaml'), '--set', `output=${output}`, ...more]);
const weightsOf = (output: string) => readFileSync(shop.path(`${output}/model/model.safetensors`));

beforeAll(async () => {
  shop = await workshop();
  const { status, stderr } = await finetune('straight');
  expect(status, stderr).toBe(0);
});
afterAll(() => shop.remove());

describe('gram finetune', () => {
  it('writes model, metrics and report, and prints the path of the model last', async () => {
    const { status, stdout, stderr } = await finetune('whole', '--set', 'checkpointEvery=3');
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(`${shop.path('whole/model')}\n`);
    // Of the checkpoints after 3, 6 and 9 steps two are kept.
    expect(readdirSync(shop.path('whole')).sort()).toEqual([
      'README.md',
      'checkpoint-0000006',
      'checkpoint-0000009',
      'metrics.jsonl',
      'model',
      'report.html',
      'tensorboard',
    ]);
    const metrics = readFileSync(shop.path('whole/metrics.jsonl'), 'utf8').trimEnd().split('\n');
    expect(metrics.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(readFileSync(shop.path('whole/report.html'), 'utf8')).toMatch(
      /<svg[\s\S]*optimizer\.learningRate/,
    );
    // Checkpoints do not change what is computed.
    expect(weightsOf('whole').equals(weightsOf('straight'))).toBe(true);
  });

  it('stopped after 5 of 10 steps and resumed, ends with the weights of a straight run', async () => {
    const interrupt = new AbortController();
    const argv = ['finetune', '--config', shop.path('config.yaml'), '--set', 'output=stopped'];
    const stopped = await gram([...argv, '--set', 'checkpointEvery=5'], {
      signal: interrupt.signal,
      onStderr: (text) => text.includes('checkpoint-0000005') && interrupt.abort(),
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(/^gram: interrupted; .*; go on with --resume from step 5$/m);
    expect(readdirSync(shop.path('stopped')).sort()).toEqual([
      'checkpoint-0000005',
      'metrics.jsonl',
      'tensorboard',
    ]);

    const otherSmoothing = await gram([...argv, '--resume', '--set', 'labelSmoothing=0.3']);
    expect(otherSmoothing).toMatchObject({ status: 1, stdout: '' });
    expect(otherSmoothing.stderr).toContain('label smoothing');
    const otherRate = await gram([...argv, '--resume', '--set', 'optimizer.learningRate=1']);
    expect(otherRate.stderr).toContain('the checkpoint is of another run: learningRate differ');

    const resumed = await gram([...argv, '--resume']);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain('going on after step 5');
    expect(weightsOf('stopped').equals(weightsOf('straight'))).toBe(true);
    expect(readFileSync(shop.path('stopped/metrics.jsonl'))).toEqual(
      readFileSync(shop.path('straight/metrics.jsonl')),
    );
  });

  it('is extended by more epochs, and not shortened', async () => {
    const run = (epochs: number, ...flags: string[]) => {
      const sets = [
        'output=extended',
        `optimizer.epochs=${epochs}`,
        'optimizer.schedule=constant',
        'checkpointEvery=5',
      ];
      const argv = [
        'finetune',
        '--config',
        shop.path('config.yaml'),
        ...sets.flatMap((set) => ['--set', set]),
      ];
      return gram([...argv, ...flags]);
    };
    expect((await run(2)).status).toBe(0);
    const longer = await run(4, '--resume');
    expect(longer.status, longer.stderr).toBe(0);
    expect(longer.stderr).toContain('going on after step 5');
    expect(readFileSync(shop.path('extended/metrics.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(20);
    const shorter = await run(2, '--resume');
    expect(shorter.stderr).toMatch(/the checkpoint has 15 steps behind it, and the run has 10/);
  });

  it('saves the last whole step when it is interrupted between checkpoints', async () => {
    const interrupt = new AbortController();
    const { signal } = interrupt;
    // Training checks the signal before each step: twice after the checkpoint of step 2, before steps 3 and 4.
    let checks = 0;
    let hasCheckpoint = false;
    signal.throwIfAborted = () => {
      if (hasCheckpoint && ++checks === 2) interrupt.abort();
      AbortSignal.prototype.throwIfAborted.call(signal);
    };
    const argv = ['finetune', '--config', shop.path('config.yaml'), '--set', 'output=between'];
    const stopped = await gram([...argv, '--set', 'checkpointEvery=2'], {
      signal,
      onStderr: (text) => {
        hasCheckpoint ||= text.includes('checkpoint-0000002');
      },
    });
    expect(stopped.status, stopped.stderr).toBe(130);
    expect(stopped.stderr).toContain('go on with --resume from step 3');
    const names = ['checkpoint-0000002', 'checkpoint-0000003', 'metrics.jsonl', 'tensorboard'];
    expect(readdirSync(shop.path('between')).sort()).toEqual(names);
    const resumed = await gram([...argv, '--resume', shop.path('between/checkpoint-0000002')]);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(weightsOf('between').equals(weightsOf('straight'))).toBe(true);
  });

  it('goes from stage 1 to stage 2, and to a reward head that it says is new', async () => {
    const first = await finetune('stage1', '--set', 'stage=pretrain', '--set', 'optimizer.epochs=1');
    expect(first.status, first.stderr).toBe(0);
    expect(gramJson('stage1')).toMatchObject({ kind: 'generative', training: { stage: 'pretrain' } });
    const from = [
      '--set',
      'init.scratch=',
      '--set',
      'init.model=stage1/model',
      '--set',
      'optimizer.epochs=1',
    ];
    const second = await finetune('stage2', ...from);
    expect(second.status, second.stderr).toBe(0);
    expect(second.stderr).not.toContain('new, not loaded');
    const baseline = await finetune('baseline', ...from, '--set', 'stage=bradley-terry');
    expect(baseline.status, baseline.stderr).toBe(0);
    expect(baseline.stderr).toContain('new, not loaded: score.weight\n');
    expect(gramJson('baseline')).toMatchObject({ kind: 'discriminative' });
    const back = await finetune('back', ...from, '--set', 'init.model=baseline/model');
    expect(back.stderr).toMatch(/^gram: .*has no next-token head.*\n$/m);
  });

  it('trains a policy on demonstrations, which judges nothing until it is trained to', async () => {
    const demonstrations = ['--set', 'stage=sft', '--set', 'data.path=demonstrations.jsonl'];
    const first = await finetune('policy', ...demonstrations);
    expect(first.status, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/^sft: 40 examples of at most \d+ tokens, 10 steps$/m);
    expect(first.stderr).toMatch(/^model: policy, [\d,]+ parameters$/m);
    expect(gramJson('policy')).toEqual({
      format: 1,
      kind: 'policy',
      chat: 'gram-plain-1',
      maxLength: 512,
      encoding: 'apart',
      training: { stage: 'sft' },
    });
    const metrics = readFileSync(shop.path('policy/metrics.jsonl'), 'utf8').trimEnd().split('\n');
    const losses = metrics.map((line) => JSON.parse(line).loss);
    expect(losses.at(-1)).toBeLessThan(losses[0] - 0.3);
    expect(readFileSync(shop.path('policy/report.html'), 'utf8')).toContain('policy model');

    const model = shop.path('policy/model');
    const data = shop.path('pairs.jsonl');
    for (const argv of [
      ['score', '--model', model, '--prompt', 'p', '--a', 'x', '--b', 'y'],
      ['rank', '--model', model, '--prompt', 'p', '--response', 'x', '--response', 'y'],
      ['eval', '--model', model, '--data', data],
    ]) {
      const { status, stdout, stderr } = await gram(argv);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^gram: .*holds a policy model.*; give the directory of .* reward model\n$/m);
    }

    const go = ['--set', 'init.scratch=', '--set', 'init.model=policy/model', '--set', 'optimizer.epochs=1'];
    const more = await finetune('policy-2', ...go, ...demonstrations, '--set', 'data.limit=8');
    expect(more.status, more.stderr).toBe(0);
    const judge = await finetune('policy-judge', ...go);
    expect(judge.status, judge.stderr).toBe(0);
    expect(gramJson('policy-judge')).toMatchObject({ kind: 'generative', judgePrompt: 'gram-compact-1' });
    const chosen = await finetune(
      'from-pairs',
      '--set',
      'stage=sft',
      '--set',
      'data.format=preference',
      '--dry-run',
    );
    expect(chosen.stderr).toContain('sft: 40 examples');
  });

  it('stopped and resumed, ends with the policy of a straight run', async () => {
    const argv = ['--set', 'stage=sft', '--set', 'data.path=demonstrations.jsonl'];
    expect((await finetune('whole-policy', ...argv)).status).toBe(0);
    const interrupt = new AbortController();
    const command = ['finetune', '--config', shop.path('config.yaml'), '--set', 'output=half', ...argv];
    const stopped = await gram([...command, '--set', 'checkpointEvery=5'], {
      signal: interrupt.signal,
      onStderr: (text) => text.includes('checkpoint-0000005') && interrupt.abort(),
    });
    expect(stopped.status).toBe(130);
    const other = await gram([
      ...command,
      '--resume',
      '--set',
      'stage=pretrain',
      '--set',
      'data.path=pairs.jsonl',
    ]);
    expect(other.stderr).toContain('made in another stage');
    const resumed = await gram([...command, '--resume']);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(weightsOf('half').equals(weightsOf('whole-policy'))).toBe(true);
  });

  it('overwrites nothing and writes nothing in a dry run', async () => {
    const before = weightsOf('straight');
    const again = await finetune('straight');
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toMatch(
      /^gram: .*straight is not empty; go on with --resume, or choose another output\n$/,
    );
    expect(weightsOf('straight').equals(before)).toBe(true);
    const without = await finetune('straight', '--resume');
    expect(without.stderr).toMatch(/holds no checkpoint/);
    const dry = await finetune('dry', '--dry-run');
    expect(dry).toMatchObject({ status: 0, stdout: '' });
    for (const gpu of ['1 x RTX 4090 24 GB', '8 x A100 80 GB', '8 x H200 141 GB'])
      expect(dry.stderr).toContain(gpu);
    expect(dry.stderr).toMatch(
      /activations: \d+ sequences of \d+ tokens take [\d.]+ GB, with gradientCheckpointing [\d.]+ GB/,
    );
    expect(dry.stderr).toMatch(/40 examples of at most \d+ tokens, 10 steps/);
    expect(existsSync(shop.path('dry'))).toBe(false);
  });

  it('prints a configuration that it reads back', async () => {
    const { status, stdout } = await finetune('printed', '--print-config', '--set', 'labelSmoothing=0.2');
    expect(status).toBe(0);
    writeFileSync(shop.path('printed.yaml'), stdout);
    const again = await gram(['finetune', '--config', shop.path('printed.yaml'), '--print-config']);
    expect(again.stdout).toBe(stdout);
    expect(stdout).toContain('labelSmoothing: 0.2');
  });

  it.each([
    [
      'an unknown key',
      ['--set', 'optimizer.leraningRate=1'],
      /no key "optimizer.leraningRate"; did you mean optimizer.learningRate\?/,
    ],
    ['missing data', ['--set', 'data.path=absent.jsonl'], /cannot find .*absent\.jsonl; /],
    [
      'a pair that does not fit',
      ['--set', 'maxLength=60'],
      /record ".*" needs \d+ tokens and 60 are allowed; /,
    ],
    ['too little room for the prompt', ['--set', 'maxLength=5'], /maxLength 5 has no room/],
    [
      'a model that is not there',
      ['--set', 'init.scratch=', '--set', 'init.model=absent'],
      /absent does not exist; /,
    ],
    ['a missing checkpoint', ['--resume', 'absent-checkpoint'], /absent-checkpoint.* does not exist; /],
    ['heads that do not share', ['--set', 'init.scratch.hiddenSize=36'], /hiddenSize is 36/],
    ['a vocabulary that is too small', ['--set', 'init.scratch.vocabSize=100'], /vocabSize is 100; /],
    ['more positions than the model has', ['--set', 'maxLength=1024'], /maxLength is more than/],
  ])('refuses %s with one line and writes nothing', async (_name, more, message) => {
    const { status, stdout, stderr } = await finetune('refused', ...more);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^gram: [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect(existsSync(shop.path('refused'))).toBe(false);
  });
});

function gramJson(output: string): unknown {
  return JSON.parse(readFileSync(shop.path(`${output}/model/gram.json`), 'utf8'));
}
