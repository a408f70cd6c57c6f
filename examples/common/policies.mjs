import { createRandom } from '@gram/base';
import { copyWeights } from '@gram/model';
import {
  createPolicyMeter,
  ppo as learn,
  ppoOptions,
  preferenceReward,
  scalarReward,
  scoreGroups,
  valueModelFrom,
} from '@gram/ppo';
import { createResponseSampler, referenceScores } from '@gram/reward';
import { plainChat } from '@gram/tokenize';
import { encodeDemonstrations, supervisedFineTuning } from '@gram/train';
import { openData } from './materials.mjs';
import { fit, keep, openJudge, openModel } from './stage-models.mjs';

/** Stages of policies: supervised fine-tuning, PPO with a judge, and samples of which judges choose the best. */
export const policyStages = { policy, ppo, samples, choices };

/** Number of test prompts whose responses reports show. */
const SHOWN = 8;

/** Trains the policy that every run of PPO starts from, on demonstrations. */
async function policy({ inputs: { recipe, seed, demonstrations, training }, needs, directory }) {
  const { config, weights, tokens, encoder } = await openModel(needs.model, recipe);
  const records = await openData({ ...recipe, data: {} }, seed).demonstrations(demonstrations);
  const { examples } = await encodeDemonstrations(encoder, records);
  const run = { config, weights, objective: supervisedFineTuning, examples };
  return keep(directory, { ...run, kind: 'policy', tokens, recipe }, await fit(run, { ...training, seed }));
}

/**
 * Trains a policy by PPO with the reward of a judge. From time to time it answers the test prompts: the oracle says what the
 * responses are worth, and the judge what it believes. The judge's reward on validation prompts selects the best policy; the
 * oracle takes no part.
 *
 * @returns `curve` with one value for each test prompt at each evaluation, and `selected`, the place of the best policy in it
 */
async function ppo({ inputs: { recipe, seed, prompts: counts, options: given }, needs, directory }) {
  const { config, weights, tokens, encoder } = await openModel(needs.policy, recipe);
  const judge = await openJudge(needs.judge, recipe);
  const data = openData({ ...recipe, data: {} }, seed);
  const test = await data.prompts('policy-test', counts.test);
  const options = { ...given, seed };
  const { sampling, maxNewTokens } = ppoOptions(options);
  const start = copyWeights(weights);
  const meter = await createPolicyMeter({
    ...{ config, policy: weights, reference: start, greedy: start, tokenizer: tokens, encoder },
    ...{ prompts: test, sampling, maxNewTokens, seed },
  });
  const curve = [];
  let selected = 0;
  const learned = await learn({
    policy: { config, weights, gram: { chat: plainChat.id, maxLength: recipe.maxLength } },
    value: valueModelFrom({ config, weights }),
    ...{ tokenizer: tokens, encoder, options },
    prompts: await data.prompts('policy', counts.policy),
    validation: await data.prompts('policy-validation', counts.validation),
    reward: judge.kind === 'discriminative' ? scalarReward(judge) : preferenceReward(judge),
    async onEvaluation({ step, reward: validation, best }) {
      // Every judge on one scale: the probability to beat the greedy response of the first policy.
      const rewards = { oracle: data.oracle, proxy: preferenceReward(judge) };
      const { responses, rewards: found, kl } = await meter.measure(rewards);
      if (best) selected = curve.length;
      curve.push({ step, validation, kl, ...found, responses: responses.slice(0, SHOWN) });
    },
  });
  meter.dispose();
  judge.dispose();
  const best = { config, weights: learned.best.weights, kind: 'policy', tokens, recipe };
  await keep(directory, best, []);
  return { kind: 'policy', selected, curve, shown: test.slice(0, SHOWN) };
}

/** Draws responses of a policy to test prompts, and its greedy response to each, and rewards them by the oracle. */
async function samples({ inputs, needs: { policy } }) {
  const { recipe, seed, prompts, size, sampling, maxNewTokens } = inputs;
  const { config, weights, tokens, encoder } = await openModel(policy, recipe);
  const data = openData({ ...recipe, data: {} }, seed);
  const sampler = createResponseSampler({ config, weights, tokenizer: tokens, encoder });
  const records = await data.prompts('policy-test', prompts);
  const items = records.map(({ id, prompt }) => ({
    ...{ id, prompt },
    decodings: [
      { temperature: 0 },
      ...Array.from({ length: size }, (_, at) => ({
        ...sampling,
        random: createRandom(seed, 'best-of-n', id, at),
      })),
    ],
  }));
  const drawn = await sampler.sample(items, { maxNewTokens });
  sampler.dispose();
  const groups = items.map(({ id, prompt }, at) => {
    const [reference, ...responses] = drawn[at].responses.map(({ text }) => text);
    return { id, prompt, reference, responses };
  });
  const oracle = await scoreGroups(data.oracle, groups, {});
  return { groups, oracle: oracle.map((own) => own.map(({ reward }) => reward)) };
}

/** Scores samples by a judge: the probability of each to beat the greedy response. */
async function choices({ inputs: { recipe }, needs }) {
  const judge = await openJudge(needs.judge, recipe);
  const proxy = await referenceScores(judge, needs.samples.result.groups);
  judge.dispose();
  return { proxy };
}
