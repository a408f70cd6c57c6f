import { createRandom } from '@gram/base';
import { copyWeights, initWeights, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../__fixtures__/tiny-model.js';
import { microBatches } from '../batches/micro-batches.js';
import type { PolicyPair } from '../examples/kinds.js';
import { train } from '../trainer.js';
import { bradleyTerry } from './bradley-terry.js';
import { directPreference, simplePreference } from './direct-preference.js';
import { generalizableReward } from './generalizable-reward.js';
import { pairArrays } from './policy-pairs.js';
import { preference } from './preference.js';
import { referenceLogProbabilities } from './reference-log-probabilities.js';

const config: ModelConfig = { ...tinyModel, maxPositionEmbeddings: 16, tieWordEmbeddings: false };
const scoring: ModelConfig = {
  ...config,
  architecture: 'LlamaForSequenceClassification',
  keepsLanguageHead: true,
  scoreHead: { hiddenSize: 12 },
};
const random = createRandom(3, 'examples');
const pairs: PolicyPair[] = Array.from({ length: 24 }, () => {
  const prompt = Array.from({ length: 3 }, () => random.integer(18));
  // Good responses are made of token 18, bad ones of token 19.
  const side = (token: number) => ({
    ids: [...prompt, ...Array(2 + random.integer(3)).fill(token)],
    lossFrom: 3,
  });
  return { chosen: side(18), rejected: side(19) };
});
const options = { learningRate: 0.01, batchSize: 8, microBatchSize: 4, epochs: 8 };

it('lays pairs out as chosen responses and then rejected ones', () => {
  const pair = { chosen: { ids: [1, 2, 3, 4], lossFrom: 2 }, rejected: { ids: [1, 2, 5], lossFrom: 2 } };
  const { tokens, ends, positions, targets, owners, present } = pairArrays([pair], 2, 4, 'both');
  expect(Array.from(tokens!.data)).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 5, 0, 0, 0, 0, 0]);
  expect(Array.from(ends!.data)).toEqual([3, 4, 10, 12]);
  expect(Array.from(positions!.data)).toEqual([1, 2, 9, 0]);
  expect(Array.from(targets!.data)).toEqual([3, 4, 5, 0]);
  expect(Array.from(owners!.data)).toEqual([0, 0, 2, 0]);
  expect(Array.from(present!.data)).toEqual([1, 1, 1, 0]);
  expect(Array.from(pairArrays([pair], 2, 4, 'chosen').present!.data)).toEqual([1, 1]);
});

describe('direct preference', () => {
  it('begins at log 2 and makes the chosen responses more probable than the reference does', async () => {
    const weights = initWeights(config, createRandom(1, 'weights'), 0.25);
    const reference = copyWeights(weights);
    const examples = await referenceLogProbabilities(config, reference, pairs);
    const { history } = await train({ config, weights, objective: directPreference(), examples, options });
    expect(history[0]!.loss).toBeCloseTo(Math.LN2, 5);
    expect(history.at(-1)!.loss).toBeLessThan(0.5);
    expect(history.at(-1)!.accuracy).toBe(1);
    const after = await referenceLogProbabilities(config, weights, pairs);
    const gain = (i: number) =>
      after[i]!.reference.chosen -
      after[i]!.reference.rejected -
      (examples[i]!.reference.chosen - examples[i]!.reference.rejected);
    expect(pairs.every((_, i) => gain(i) > 0)).toBe(true);
  });

  it('stops where it is told to', async () => {
    const weights = initWeights(config, createRandom(1, 'weights'));
    const stopped = referenceLogProbabilities(config, weights, pairs, { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it('simple preference makes the chosen responses likelier per token, without a reference', async () => {
  const weights = initWeights(config, createRandom(1, 'weights'), 0.25);
  const { history } = await train({
    config,
    weights,
    objective: simplePreference(),
    examples: pairs,
    options,
  });
  expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss / 2);
  const after = await referenceLogProbabilities(config, weights, pairs);
  const perToken = (i: number, side: 'chosen' | 'rejected') =>
    after[i]!.reference[side] / (pairs[i]![side].ids.length - pairs[i]![side].lossFrom);
  expect(pairs.every((_, i) => perToken(i, 'chosen') > perToken(i, 'rejected'))).toBe(true);
});

describe('the generalizable reward', () => {
  it('orders the responses, and writes the chosen ones better where that weighs more', async () => {
    const learn = async (weight: number) => {
      const weights = initWeights(scoring, createRandom(1, 'weights'), 0.25);
      const objective = generalizableReward('sft', { weight });
      const { history } = await train({ config: scoring, weights, objective, examples: pairs, options });
      const after = await referenceLogProbabilities(scoring, weights, pairs);
      return {
        accuracy: history.at(-1)!.accuracy,
        chosen: after.reduce((sum, { reference }) => sum + reference.chosen, 0) / pairs.length,
      };
    };
    const [little, much] = [await learn(0), await learn(0.5)];
    expect(little.accuracy).toBe(1);
    expect(much.accuracy).toBe(1);
    expect(much.chosen).toBeGreaterThan(little.chosen + 1);
  });

  it.each([
    ['scores only', { ...scoring, keepsLanguageHead: undefined }, 'without keepsLanguageHead'],
    ['speaks only', config, 'LlamaForCausalLM'],
  ] as const)('refuses a model that %s', async (_name, model, message) => {
    const weights = initWeights(model, createRandom(1, 'weights'));
    const run = train({
      config: model,
      weights,
      objective: generalizableReward('sft'),
      examples: pairs,
      options,
    });
    await expect(run).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(message),
    });
  });
});

describe('margins of Bradley-Terry', () => {
  const example = { chosen: [1, 2], rejected: [3] };

  it.each([undefined, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the margin %s', (margin) => {
    const batches = () =>
      microBatches(
        bradleyTerry({ margin: true }),
        [
          { ...example, margin: 1 },
          { ...example, margin },
        ],
        2,
      );
    expect(batches).toThrow(expect.objectContaining({ code: 'no-data' }));
  });

  it('are not looked at unless they are asked for', () => {
    expect(microBatches(bradleyTerry(), [{ ...example, margin: -1 }], 1)[0]).not.toHaveProperty('margins');
  });
});

it('tells runs of different losses apart by name, and keeps the names of the old ones', () => {
  const names = [
    preference({ labels: [1, 2] }),
    preference({ labels: [1, 2], vocabulary: 'full' }),
    bradleyTerry(),
    bradleyTerry({ margin: true }),
    bradleyTerry({ positiveRegularization: 0.1 }),
    directPreference(),
    directPreference({ beta: 0.2 }),
    simplePreference(),
    simplePreference({ margin: 0.5 }),
    generalizableReward('sft'),
    generalizableReward('dpo'),
  ].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('preference, smoothing 0.1, labels 1,2');
  expect(names).toContain('bradley-terry, smoothing 0');
});
