import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram, workshop } from '../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
const run = (...sets: string[]) =>
  gram(['finetune', '--config', shop.path('config.yaml'), ...sets.flatMap((set) => ['--set', set])]);
const json = (path: string) => JSON.parse(readFileSync(shop.path(path), 'utf8'));
beforeAll(async () => {
  shop = await workshop();
  writeFileSync(
    shop.path('rated.jsonl'),
    readFileSync(shop.path('pairs.jsonl'), 'utf8').replace(/}$/gm, ',"margin":2}'),
  );
  const { status, stderr } = await run();
  expect(status, stderr).toBe(0);
});
afterAll(() => shop.remove());

const scorer = ['stage=bradley-terry', 'init.scratch=', 'init.model=out/model'];

describe('the baselines of the study', () => {
  it.each([
    ['label smoothing', ['labelSmoothing=0.1']],
    ['positive regularization', ['baseline.positiveRegularization=0.1']],
    ['margins of the data', ['baseline.margin=true', 'data.path=rated.jsonl']],
    ['a frozen backbone with a head of two layers', ['baseline.freeze=true', 'baseline.scoreHead=16']],
    ['GRM with imitation', ['baseline.regularizer=sft', 'baseline.scoreHead=16']],
    ['GRM with preference', ['baseline.regularizer=dpo']],
    ['an adapter with a head of two layers', ['lora.rank=2', 'baseline.scoreHead=16']],
  ])('%s: is trained, resumed to the same bytes, and scores', async (name, sets) => {
    const output = name.replaceAll(/\W+/g, '-');
    const all = [...scorer, ...sets, 'optimizer.epochs=1', 'checkpointEvery=2', 'keepCheckpoints=9'];
    const trained = await run(...all, `output=${output}`);
    expect(trained.status, trained.stderr).toBe(0);
    const argv = [
      'finetune',
      '--config',
      shop.path('config.yaml'),
      ...[...all, `output=${output}-again`].flatMap((set) => ['--set', set]),
    ];
    const resumed = await gram([...argv, '--resume', shop.path(`${output}/checkpoint-0000002`)]);
    expect(resumed.status, resumed.stderr).toBe(0);
    const [a, b] = [output, `${output}-again`].map((run) =>
      readFileSync(shop.path(`${run}/model/model.safetensors`)),
    );
    expect(a!.equals(b!)).toBe(true);
    const scored = await gram([
      'score',
      '--model',
      shop.path(`${output}/model`),
      '--prompt',
      'p',
      '--a',
      '5',
      '--b',
      '6',
      '--json',
    ]);
    expect(scored.status, scored.stderr).toBe(0);
    expect(JSON.parse(scored.stdout).probability).toBeGreaterThan(0);
  });

  it('keeps the decoder as it was under a frozen backbone', async () => {
    const frozen = json('a-frozen-backbone-with-a-head-of-two-layers/model/config.json');
    expect(frozen).toMatchObject({ model_type: 'gram_llama', score_head: { hidden_size: 16 } });
  });

  it('normalizes over the whole vocabulary on request', async () => {
    const { status, stderr } = await run('vocabulary=full', 'optimizer.epochs=1', 'output=full');
    expect(status, stderr).toBe(0);
    const first = readFileSync(shop.path('full/metrics.jsonl'), 'utf8').split('\n')[0]!;
    // The label is one of several hundred tokens at first, and not one of two.
    expect(JSON.parse(first).loss).toBeGreaterThan(3);
  });

  it('trains a policy on preferences directly', async () => {
    const policy = ['stage=dpo', 'beta=0.2', 'init.scratch=', 'init.model=out/model', 'output=dpo'];
    const { status, stderr } = await run(...policy, 'optimizer.epochs=1');
    expect(status, stderr).toBe(0);
    expect(json('dpo/model/gram.json')).toMatchObject({ kind: 'policy' });
    // Policy and reference are the same at first.
    const first = readFileSync(shop.path('dpo/metrics.jsonl'), 'utf8').split('\n')[0]!;
    expect(JSON.parse(first).loss).toBeCloseTo(Math.LN2, 5);
  });

  it('asks for margins of every pair, and uses them', async () => {
    const outcome = await run(...scorer, 'baseline.margin=true', 'output=bare');
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/baseline\.margin is set, and pair .+ of .+pairs\.jsonl has no margin/);
    expect(existsSync(shop.path('bare'))).toBe(false);
    const first = readFileSync(shop.path('margins-of-the-data/metrics.jsonl'), 'utf8').split('\n')[0]!;
    // Rewards of new heads are near 0: -log sigmoid(-2).
    expect(Math.abs(JSON.parse(first).loss - Math.log1p(Math.exp(2)))).toBeLessThan(0.5);
  });

  it.each([
    ['baseline.freeze=true', 'baseline has no meaning in the stage finetune'],
    ['beta=0.1', 'beta has no meaning in the stage finetune'],
  ])('refuses %s elsewhere', async (set, message) => {
    const outcome = await run(set, 'output=refused');
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain(message);
  });
});
