import { createRandom } from '@gram/base';
import { initAdapter, initWeights, type ModelConfig, parameterCount } from '@gram/model';
import { adamW } from '@gram/train';
import { describe, expect, it } from 'vitest';
import { ppoOptions } from '../options.js';
import { valueModelFrom } from '../value-model.js';
import { loadsOfRlhf, type RlhfPlan } from './gpus.js';

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 20,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  numKeyValueHeads: 1,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};
const weights = initWeights(config, createRandom(1, 'weights'));
const lora = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] } as const;
const adapter = { lora, weights: initAdapter(config, lora, weights, createRandom(1, 'adapter')) };
const P = parameterCount(config);
const D = config.hiddenSize;
/** Matrices A and B of both projections, in two layers. */
const A = 2 * 4 * (16 + 16 + 16 + 8);

function plan(
  run: Pick<RlhfPlan['run'], 'policy' | 'reference'>,
  { sharesPolicy = false, critic = true, reference = 'start' as 'start' | 'none' } = {},
): RlhfPlan {
  const options = ppoOptions({
    ...{ steps: 1000, maxNewTokens: 300 },
    ...{ reference, optimizer: adamW(), advantages: critic ? 'gae' : 'grpo' },
    ...(!critic && { samplesPerPrompt: 2 }),
  });
  const value = critic ? { value: valueModelFrom(run.policy, { sharesPolicy }) } : {};
  return { run: { ...run, ...value }, options, longestPrompt: 20, prompts: { lengths: [8, 12] } };
}

/** Numbers of weights, gradients and moments. */
const numbersOf = ({
  weights: w,
  gradients,
  moments,
}: {
  weights: number;
  gradients: number;
  moments: number;
}) => [w, gradients, moments].map((bytes) => bytes / 4);

describe('what a GPU holds of a run of RLHF', () => {
  it('is policy, value model and reference, and with an adapter one model under two of them', () => {
    const { whole, adapter: other } = loadsOfRlhf(plan({ policy: { config, weights } }));
    expect(numbersOf(whole!)).toEqual([3 * P + D, 2 * P + D, 2 * (2 * P + D)]);
    // Rank 16 on all projections of two layers.
    const usual = 2 * 16 * (32 + 24 + 24 + 32 + 40 + 40 + 40);
    expect(numbersOf(other)).toEqual([P + 2 * usual, 2 * usual, 4 * usual]);
  });

  it('is what the run trains where that is an adapter', () => {
    const run = { policy: { config, weights, adapter } };
    const { whole, adapter: load } = loadsOfRlhf(plan(run));
    expect(whole).toBeUndefined();
    // The value model has an adapter and a head of its own, and a reference is the model without any.
    const [all, gradients, moments] = numbersOf(load) as [number, number, number];
    expect(gradients).toBe(2 * A + D);
    expect(moments).toBe(2 * gradients);
    expect(all).toBe(P + 2 * A + D);
    expect(numbersOf(loadsOfRlhf(plan(run, { reference: 'none', critic: false })).adapter)).toEqual([
      P + A,
      A,
      2 * A,
    ]);
  });

  it('is the head alone of a value model on the states of the policy', () => {
    const { whole } = loadsOfRlhf(plan({ policy: { config, weights } }, { sharesPolicy: true }));
    expect(numbersOf(whole!)).toEqual([2 * P + D, P + D, 2 * (P + D)]);
    const none = loadsOfRlhf(plan({ policy: { config, weights } }, { critic: false, reference: 'none' }));
    expect(numbersOf(none.whole!)).toEqual([P, P, 2 * P]);
    expect(whole!.flop).toBeLessThan(loadsOfRlhf(plan({ policy: { config, weights } })).whole!.flop);
  });

  it('sums the gradients of each model that learns, once a step', () => {
    const { whole, adapter: other } = loadsOfRlhf(plan({ policy: { config, weights } }));
    for (const load of [whole!, other]) {
      const summed = load.sums.flatMap(({ groups }) => groups).reduce((sum, bytes) => sum + bytes, 0);
      expect(summed).toBe(load.gradients);
    }
    const { steps, batchSize, miniBatchSize, epochs, samplesPerPrompt } = ppoOptions({
      ...{ steps: 1000, maxNewTokens: 300 },
    });
    const updates = steps * epochs * Math.ceil((batchSize * samplesPerPrompt) / miniBatchSize);
    expect(whole!.sums.map((sum) => sum.steps)).toEqual([updates, updates]);
    // A backward pass through all weights takes twice the operations of one through adapters.
    expect(whole!.sums[0]!.flop).toBe(2 * other.sums[0]!.flop);
    const head = loadsOfRlhf(plan({ policy: { config, weights } }, { sharesPolicy: true })).whole!;
    expect(head.sums.map(({ flop }) => flop)).toEqual([whole!.sums[0]!.flop, 0]);
  });

  it('has a reference of its own where the run names one', () => {
    const named = plan({
      policy: { config, weights, adapter },
      reference: { config, weights: { ...weights } },
    });
    const without = plan({ policy: { config, weights, adapter } });
    const more = loadsOfRlhf(named).adapter.weights - loadsOfRlhf(without).adapter.weights;
    expect(more).toBe(4 * P);
  });
});
