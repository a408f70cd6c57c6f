import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import {
  copyWeights,
  initAdapter,
  type LoraConfig,
  loadModel,
  mergeAdapter,
  type Weights,
} from '@gram/model';
import { afterAll, describe, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';
import { tinyConfig, tinyRun } from '../__fixtures__/tiny-run.js';
import { ppoOptions } from '../options.js';
import { createTokenMeter } from '../rollout/token-meter.js';
import { ppo } from '../trainer.js';
import { valueModelFrom } from '../value-model.js';
import type { PpoRun, PpoStepRecord } from './run.js';
import { runNeed } from './start.js';
import { ownWeights, trainedWeights } from './trained.js';

const root = mkdtempSync(join(tmpdir(), 'gram-ppo-adapter-'));
afterAll(() => rmSync(root, { recursive: true }));

const lora: LoraConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] };

/** A tiny run whose policy is an adapter, with the value model that is asked for. */
function adapterRun(value: 'own' | 'policy' | 'none') {
  const { value: _, ...run } = tinyRun({ ...tinyConfig, numHiddenLayers: 1 });
  const { config, weights } = run.policy;
  const policy = {
    ...run.policy,
    adapter: { lora, weights: initAdapter(config, lora, weights, createRandom(1, 'adapter')) },
  };
  const sharesPolicy = value === 'policy';
  return { ...run, policy, ...(value !== 'none' && { value: valueModelFrom(policy, { sharesPolicy }) }) };
}

const options = {
  steps: 4,
  maxNewTokens: 6,
  batchSize: 4,
  miniBatchSize: 4,
  epochs: 1,
  valueOnlySteps: 1,
  policyLearningRate: 2e-2,
  evaluateEvery: 2,
  checkpointEvery: 1,
  seed: 5,
} as const;
const grouped = { ...options, valueOnlySteps: 0, miniBatchSize: 16, advantages: 'grpo' } as const;

const bytesOf = (weights: Weights) =>
  Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0);

describe.each([
  ['PPO, a value model of its own', 'own', options],
  ["PPO, a value head on the policy's states", 'policy', options],
  ['GRPO', 'none', grouped],
] as const)('a policy that is an adapter: %s', (name, value, settings) => {
  it('learns, and leaves the model under it as it was', async () => {
    const run = adapterRun(value);
    const before = copyWeights(run.policy.weights);
    const records: PpoStepRecord[] = [];
    const { reference } = await ppo({
      ...run,
      options: settings,
      onStep: (record) => void records.push(record),
    });
    expect(run.policy.weights).toEqual(before);
    expect(reference).toBe(run.policy.weights);
    // The reference is the policy without its adapter: before the first gradient step both are the same.
    const first = records.find(({ policyLoss }) => policyLoss !== undefined);
    expect(first).toMatchObject({
      kl: expect.closeTo(0, 5),
      approxKl: expect.closeTo(0, 5),
      clipped: 0,
    });
    expect(Math.abs(records.at(-1)?.kl ?? 0)).toBeGreaterThan(1e-4);
  });

  it('has in memory once what its models share', () => {
    const run = adapterRun(value);
    const model = bytesOf(run.policy.weights);
    const trained = bytesOf(trainedWeights(run.policy));
    const own = run.value === undefined ? 0 : bytesOf(ownWeights(run.value, run.policy));
    const head = 4 * run.policy.config.hiddenSize;
    expect(own).toBe(value === 'own' ? trained + head : value === 'policy' ? head : 0);
    const learned = trained + (value === 'own' ? trained + head : value === 'policy' ? head : 0);
    const { bytes } = runNeed(run, ppoOptions(settings));
    expect(bytes).toBe(model + trained + own + 3 * learned);
  });

  it('resumes to the same bytes, from checkpoints of the adapter alone', async () => {
    const [straight, stopped] = [join(root, `${name} straight`), join(root, `${name} stopped`)];
    await ppo({ ...adapterRun(value), options: settings, output: straight });
    const stop = new AbortController();
    const onStep = (record: PpoStepRecord) => {
      if (record.step === 2) stop.abort(new Error('stop'));
    };
    await expect(
      ppo({ ...adapterRun(value), options: settings, output: stopped, onStep, signal: stop.signal }),
    ).rejects.toThrow('stop');
    await ppo({ ...adapterRun(value), options: settings, output: stopped, resume: true });
    expect(contents(stopped)).toEqual(contents(straight));
    const checkpoint = readdirSync(straight).find((file) => file.startsWith('checkpoint-')) ?? '';
    expect(existsSync(join(straight, checkpoint, 'policy', 'adapter_model.safetensors'))).toBe(true);
    const files = readdirSync(join(straight, checkpoint), { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('model.safetensors') && !file.includes('adapter_'))).toEqual(
      [],
    );
  });

  it('is another run over another model, or with an adapter of another kind', async () => {
    const output = join(root, `${name} straight`);
    const run = adapterRun(value);
    const other = { ...run.policy, weights: copyWeights(run.policy.weights) };
    Object.values(other.weights)[0]!.data[0]! += 1e-3;
    const resumed = (changed: Partial<PpoRun>) =>
      ppo({ ...run, ...changed, options: settings, output, resume: true });
    await expect(resumed({ policy: other })).rejects.toThrow(/policy weights/);
    const scaled = { ...run.policy, adapter: { ...run.policy.adapter, lora: { ...lora, alpha: 9 } } };
    await expect(resumed({ policy: scaled })).rejects.toThrow(/lora/);
  });
});

it('saves the model with the adapter merged into it', async () => {
  const output = join(root, 'GRPO straight');
  const run = adapterRun('none');
  const { best } = await ppo({ ...run, options: grouped });
  const merged = mergeAdapter(run.policy.config, lora, run.policy.weights, best.weights);
  expect((await loadModel(join(output, 'model'))).weights).toEqual(merged);
  expect(existsSync(join(output, 'adapter', 'adapter_config.json'))).toBe(true);
});

it('measures as the merged model does', async () => {
  const run = adapterRun('policy');
  const { config, weights, adapter } = run.policy;
  await ppo({ ...run, options });
  const responses = [{ ids: [5, 80, 81, 90, 97, 103], lossFrom: 2 }];
  const value = run.value!;
  const meter = createTokenMeter({ ...run.policy, policy: weights, reference: weights, value });
  const plain = {
    config: value.config,
    weights: mergeAdapter(value.config, lora, weights, { ...adapter.weights, ...trainedWeights(value) }),
  };
  const merged = createTokenMeter({
    config,
    policy: mergeAdapter(config, lora, weights, adapter.weights),
    reference: weights,
    value: plain,
  });
  const close = (one: number[], other: number[]) => {
    expect(one.length).toBe(4);
    for (const [i, value] of one.entries()) expect(value).toBeCloseTo(other[i]!, 5);
  };
  close((await meter.policy(responses))[0]!, (await merged.policy(responses))[0]!);
  close((await meter.values(responses))[0]!, (await merged.values(responses))[0]!);
  const [[own], [other]] = [await meter.reference(responses, true), await merged.reference(responses, true)];
  close([...own!.kl!], [...other!.kl!]);
  expect(Math.max(...own!.kl!)).toBeGreaterThan(1e-4);
  for (const each of [meter, merged]) each.dispose();
});

it('draws with a rounded model under an exact adapter, and corrects for it', async () => {
  const run = adapterRun('none');
  const { steps } = await ppo({ ...run, options: { ...grouped, rolloutPrecision: 'int8' } });
  for (const { importance } of steps) expect(importance).toMatchObject({ mean: expect.closeTo(1, 1) });
});

it('refuses an adapter that has learned', async () => {
  const run = adapterRun('none');
  run.policy.adapter.weights['model.layers.0.self_attn.q_proj.lora_B.weight']!.data[3] = 1;
  await expect(ppo({ ...run, options: grouped })).rejects.toMatchObject({ code: 'bad-option' });
});
