import { createRandom } from '@gram/base';
import { initWeights } from '@gram/model';
import { tokenizerFromJson } from '@gram/tokenize';
import { referenceLogProbabilities } from '@gram/train';
import { expect, it } from 'vitest';
import { encoderOf, openData, worldTokenizer } from '../materials.mjs';
import { tinyJudges } from '../recipes.mjs';
import { createLikelihoodJudge, encodeLikelihoodPairs } from './likelihood.mjs';

const tokens = tokenizerFromJson(worldTokenizer(tinyJudges, 0));
const { standardDeviation, ...architecture } = tinyJudges.model;
const config = { architecture: 'LlamaForCausalLM', vocabSize: tokens.vocabSize, ...architecture };
const weights = initWeights(config, createRandom(1, 'weights'), standardDeviation);
const encoder = await encoderOf(tinyJudges, tokens);

it('rewards a response with its mean log-probability per token, as the measure of the training does', async () => {
  const pairs = openData(tinyJudges, 1).tests('in-distribution', 5);
  const examples = await encodeLikelihoodPairs(encoder, pairs);
  const expected = (await referenceLogProbabilities(config, weights, examples)).map(
    ({ reference, ...pair }) =>
      ['chosen', 'rejected'].map((side) => reference[side] / (pair[side].ids.length - pair[side].lossFrom)),
  );
  const judge = createLikelihoodJudge({ config, weights, encoder, beta: 3 });
  for (const [at, side] of ['chosen', 'rejected'].entries()) {
    const items = pairs.map((pair) => ({ prompt: pair.prompt, response: pair[side] }));
    const rewards = (await judge.rewards(items)).map(({ reward }) => reward);
    rewards.forEach((reward, pair) => {
      expect(reward).toBeCloseTo(expected[pair][at], 5);
    });
  }
  const compared = await judge.compare(pairs.map(({ prompt, chosen: a, rejected: b }) => ({ prompt, a, b })));
  compared.forEach(({ probability }, pair) => {
    const [chosen, rejected] = expected[pair];
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(-3 * (chosen - rejected))), 5);
  });
  judge.dispose();
});

it('reads the prompt and a response, and nothing of the response that would follow', async () => {
  const [pair] = openData(tinyJudges, 1).tests('in-distribution', 1);
  const [{ chosen, rejected }] = await encodeLikelihoodPairs(encoder, [pair]);
  const both = await encoder.responsePair({ prompt: pair.prompt, responses: [pair.chosen, pair.rejected] });
  expect(both.ids.slice(0, chosen.ids.length)).toEqual(chosen.ids);
  expect(chosen.ids.length).toBeLessThan(both.ids.length);
  expect(await tokens.decode(chosen.ids.slice(chosen.lossFrom))).toContain(pair.chosen);
  expect(rejected.ids.slice(0, rejected.lossFrom)).toEqual(chosen.ids.slice(0, chosen.lossFrom));
});

it('measures a response that occurs twice once, and gives an empty one a finite reward', async () => {
  const judge = createLikelihoodJudge({ config, weights, encoder });
  const item = { prompt: 'Name a prime.', response: 'seven' };
  const [one, empty, two] = await judge.rewards([item, { ...item, response: '' }, item]);
  expect(two).toEqual(one);
  expect(Number.isFinite(empty.reward)).toBe(true);
  judge.dispose();
});
