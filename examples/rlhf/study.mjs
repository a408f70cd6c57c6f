import { createRandom } from '@gram/base';
import { copyWeights, saveModel } from '@gram/model';
import {
  createPolicyMeter,
  ppo,
  ppoOptions,
  preferenceReward,
  scalarReward,
  valueModelFrom,
} from '@gram/ppo';
import { createProgress } from '@gram/report';
import { bestOfNCurve, createResponseSampler, scoreAgainst } from '@gram/reward';
import { plainChat } from '@gram/tokenize';
import { encodeDemonstrations, supervisedFineTuning } from '@gram/train';
import { rewardModelOf, trainRewardModels, trainStage1 } from '@gram-examples/common/reward-models';
import { fit } from '@gram-examples/common/training';

/** The runs that are compared: which reward model pays, and how advantages are made. */
export const RUNS = [
  { name: 'PPO, two stages', judge: 'two-stage', advantages: 'gae' },
  { name: 'PPO, generative', judge: 'vanilla', advantages: 'gae' },
  { name: 'PPO, discriminative', judge: 'discriminative', advantages: 'gae' },
  { name: 'GRPO, two stages', judge: 'two-stage', advantages: 'grpo' },
];

/** Options of one run. Without a value model there is no warm-up of it, and the step's work stays the same. */
export function optionsOf(recipe, { advantages }, seed) {
  const grouped = advantages === 'gae' ? {} : { ...recipe.grpo, valueOnlySteps: 0 };
  return ppoOptions({ ...recipe.ppo, ...grouped, advantages, seed });
}

/** The runs of the recipe, for a dry run. */
export function phases(recipe) {
  const { data } = recipe;
  const run = (label, examples, options, note) => ({ label, examples, options, note });
  return [
    run('stage 1', data.unlabeled, recipe.stage1, 'unlabeled pairs'),
    run('stage 2', data.labeled, recipe.stage2, 'labeled pairs'),
    run('generative, no stage 1', data.labeled, recipe.vanilla, 'labeled pairs'),
    run('discriminative', data.labeled, recipe.discriminative, 'labeled pairs'),
    run('supervised fine-tuning', data.demonstrations, recipe.sft, 'demonstrations'),
    ...RUNS.map((each) => {
      const { steps, batchSize, samplesPerPrompt } = optionsOf(recipe, each, 1);
      const note = `prompts; ${batchSize * samplesPerPrompt} responses a step`;
      return { label: each.name, examples: data.prompts, steps, note };
    }),
  ].map((phase) => ({ ...phase, note: `${phase.note}; ${recipe.seeds.length} seeds` }));
}

/** Supervised fine-tuning: where every policy starts. */
export async function trainPolicy({ base, encoder, demonstrations }, { sft }, from) {
  const weights = copyWeights(from);
  const { examples } = await encodeDemonstrations(encoder, await demonstrations());
  const { config } = base;
  const options = sft;
  const history = await fit('supervised fine-tuning', {
    config,
    weights,
    objective: supervisedFineTuning,
    examples,
    options,
  });
  return { weights, history };
}

/** One seed of the study: models, four runs of RLHF and best-of-n, all measured on the same held-out prompts. */
export async function runSeed(materials, recipe, seed, directory) {
  const { base, encoder, tokenizer, oracle } = materials;
  const { config } = base;
  const { weights: foundation } = await trainStage1(materials, recipe);
  const models = await trainRewardModels(materials, recipe, foundation, seed);
  const { weights: sft } = await trainPolicy(materials, recipe, foundation);
  const judges = Object.fromEntries(
    Object.entries(models).map(([name, model]) => [name, rewardModelOf(model, encoder)]),
  );
  const prompts = await materials.prompts('policy', recipe.data.prompts);
  const validation = await materials.prompts('policy-validation', recipe.data.validation);
  const test = await materials.prompts('policy-test', recipe.data.test);
  const gram = { chat: plainChat.id, maxLength: recipe.maxLength };
  const results = [];
  for (const each of RUNS) {
    const options = optionsOf(recipe, each, seed);
    const judge = judges[each.judge];
    const reward = judge.kind === 'discriminative' ? scalarReward(judge) : preferenceReward(judge);
    const policy = { config, weights: copyWeights(sft), gram };
    const meter = await createPolicyMeter({
      ...options,
      config,
      policy: policy.weights,
      reference: sft,
      tokenizer,
      encoder,
      prompts: test,
      seed,
    });
    // Every judge on one scale: the probability to beat the greedy response of the first policy.
    const measure = () => meter.measure({ oracle, proxy: preferenceReward(judge) });
    const progress = createProgress({ label: each.name, total: options.steps, unit: 'steps' });
    const curve = [];
    const result = await ppo({
      policy,
      value: each.advantages === 'gae' ? valueModelFrom(policy) : undefined,
      tokenizer,
      encoder,
      prompts,
      validation,
      reward,
      options,
      onStep: ({ step, score, kl }) => progress.update(step, { score, kl }),
      onEvaluation: async ({ step, reward: onValidation }) => {
        const { rewards, kl } = await measure();
        curve.push({ step, validation: onValidation, kl, ...rewards });
      },
    });
    for (const [name, { data }] of Object.entries(policy.weights)) data.set(result.best.weights[name].data);
    const final = await measure();
    const best = { step: result.best.step, rewards: final.rewards, kl: final.kl, responses: final.responses };
    progress.finish(`best policy after ${best.step} steps`);
    meter.dispose();
    await saveModel(`${directory}/${each.name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`, {
      config,
      weights: policy.weights,
      gram: {
        format: 1,
        kind: 'policy',
        ...gram,
        training: { advantages: each.advantages, judge: each.judge, seed },
      },
      tokenizerJson: tokenizer.json,
    });
    results.push({ ...each, steps: result.steps, curve, best });
  }
  const start = await measureStart(materials, recipe, sft, test, seed);
  const curves = await bestOfN(materials, recipe, sft, judges, test, seed);
  for (const judge of Object.values(judges)) judge.dispose();
  return { seed, test, start, results, bestOfN: curves };
}

/** The policy that every run starts from, on the held-out prompts. */
async function measureStart({ base, encoder, tokenizer, oracle }, recipe, weights, prompts, seed) {
  const options = optionsOf(recipe, RUNS[0], seed);
  const meter = await createPolicyMeter({
    ...options,
    config: base.config,
    policy: weights,
    reference: weights,
    tokenizer,
    encoder,
    prompts,
    seed,
  });
  const { rewards, responses } = await meter.measure({ oracle });
  meter.dispose();
  return { rewards, responses };
}

/** Best-of-n from the first policy: each judge picks among samples of held-out prompts. */
async function bestOfN(
  { base, encoder, tokenizer, oracle },
  { bestOfN: plan, ppo: { maxNewTokens, sampling } },
  weights,
  judges,
  test,
  seed,
) {
  const sampler = createResponseSampler({ config: base.config, weights, tokenizer, encoder });
  const items = test.slice(0, plan.prompts).map(({ id, prompt }) => ({
    id,
    prompt,
    decodings: [
      ...Array.from({ length: plan.samples }, (_, sample) => ({
        temperature: 0.75,
        topP: 0.95,
        ...sampling,
        random: createRandom(seed, 'best-of-n', id, sample),
      })),
      { temperature: 0 },
    ],
  }));
  const sampled = await sampler.sample(items, { maxNewTokens });
  sampler.dispose();
  const groups = items.map(({ id, prompt }, i) => {
    const texts = sampled[i].responses.map(({ text }) => text);
    return { id, prompt, responses: texts.slice(0, -1), reference: texts.at(-1) };
  });
  const gold = await oracle(groups, {});
  const curves = {};
  for (const [name, judge] of Object.entries(judges)) {
    const proxy = await scoreAgainst(judge, groups);
    const pairs = groups.map((_, i) => ({ proxy: proxy[i], gold: gold[i] }));
    curves[name] = bestOfNCurve(pairs, plan.sizes, createRandom(seed, 'best-of-n interval', name));
  }
  return curves;
}
