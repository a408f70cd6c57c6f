import { createRandom } from '@gram/base';
import { copyWeights } from '@gram/model';
import {
  createPolicyMeter,
  ppo,
  ppoOptions,
  preferenceReward,
  scalarReward,
  valueModelFrom,
} from '@gram/ppo';
import { createProgress } from '@gram/report';
import { bestOfNCurve, createResponseSampler, referenceScores } from '@gram/reward';
import { plainChat } from '@gram/tokenize';
import { encodeDemonstrations, supervisedFineTuning } from '@gram/train';
import {
  rewardModelOf,
  rewardModelPhases,
  saveTrainedModel,
  trainRewardModels,
  trainStage1,
} from '@gram-examples/common/reward-models';
import { fit } from '@gram-examples/common/training';

/** Runs that are compared: which reward model pays, and how advantages are made. */
export const RUNS = [
  { name: 'PPO, two stages', judge: 'two-stage', advantages: 'gae' },
  { name: 'PPO, generative', judge: 'vanilla', advantages: 'gae' },
  { name: 'PPO, discriminative', judge: 'discriminative', advantages: 'gae' },
  { name: 'GRPO, two stages', judge: 'two-stage', advantages: 'grpo' },
];

/** Gives the options of one run. Without a value model there is no warm-up of it, and the step's work stays the same. */
export function optionsOf(recipe, { advantages }, seed) {
  const grouped = advantages === 'gae' ? {} : { ...recipe.grpo, valueOnlySteps: 0 };
  return ppoOptions({ ...recipe.ppo, ...grouped, advantages, seed });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { data, seeds, sft } = recipe;
  const policies = RUNS.map((each) => {
    const { steps, batchSize, samplesPerPrompt } = optionsOf(recipe, each, 1);
    const note = `prompts; ${batchSize * samplesPerPrompt} responses a step`;
    return { label: each.name, examples: data.prompts, steps, note };
  });
  return [
    ...rewardModelPhases(recipe),
    {
      label: 'supervised fine-tuning',
      examples: data.demonstrations,
      options: sft,
      note: 'demonstrations',
    },
    ...policies,
  ].map((phase) => ({ ...phase, note: `${phase.note}; ${seeds.length} seeds` }));
}

/** Trains the policy that every run starts from, by supervised fine-tuning. */
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

/** Runs one seed of the study: models, four runs of RLHF and best-of-n, all measured on the same held-out prompts. */
export async function runSeed(materials, recipe, seed, directory) {
  const { encoder } = materials;
  const { weights: foundation } = await trainStage1(materials, recipe);
  const models = await trainRewardModels(materials, recipe, foundation, seed);
  const { weights: sft } = await trainPolicy(materials, recipe, foundation);
  const judges = Object.fromEntries(
    Object.entries(models).map(([name, model]) => [name, rewardModelOf(model, encoder)]),
  );
  const context = {
    ...{ materials, recipe, seed, directory, sft, judges },
    prompts: await materials.prompts('policy', recipe.data.prompts),
    validation: await materials.prompts('policy-validation', recipe.data.validation),
    test: await materials.prompts('policy-test', recipe.data.test),
  };
  const results = [];
  for (const each of RUNS) results.push(await runPolicy(each, context));
  const start = await measureStart(context);
  const curves = await bestOfN(context);
  for (const judge of Object.values(judges)) judge.dispose();
  return { seed, test: context.test, start, results, bestOfN: curves };
}

/** Trains one policy, follows it on the held-out prompts and saves the best one. */
async function runPolicy(each, context) {
  const { materials, recipe, seed, directory, sft, judges, prompts, validation } = context;
  const { base, encoder, tokenizer, oracle } = materials;
  const { config } = base;
  const options = optionsOf(recipe, each, seed);
  const judge = judges[each.judge];
  const gram = { chat: plainChat.id, maxLength: recipe.maxLength };
  const policy = { config, weights: copyWeights(sft), gram };
  const meter = await meterOf(policy.weights, options, context);
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
    reward: judge.kind === 'discriminative' ? scalarReward(judge) : preferenceReward(judge),
    options,
    onStep: ({ step, score, kl }) => progress.update(step, { score, kl }),
    onEvaluation: async ({ step, reward: onValidation }) => {
      const { rewards, kl } = await measure();
      curve.push({ step, validation: onValidation, kl, ...rewards });
    },
  });
  for (const [name, { data }] of Object.entries(policy.weights)) data.set(result.best.weights[name].data);
  const { rewards, kl, responses } = await measure();
  const best = { step: result.best.step, rewards, kl, responses };
  progress.finish(`best policy after ${best.step} steps`);
  meter.dispose();
  const folder = each.name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  const training = { advantages: each.advantages, judge: each.judge, seed };
  const trained = { kind: 'policy', config, weights: policy.weights };
  await saveTrainedModel(`${directory}/${folder}`, trained, { ...materials, recipe, training });
  return { ...each, steps: result.steps, curve, best };
}

/** Opens a meter of a policy on the held-out prompts, against the policy after supervised fine-tuning. */
function meterOf(policy, options, { materials: { base, tokenizer, encoder }, sft, test, seed }) {
  return createPolicyMeter({
    ...options,
    config: base.config,
    policy,
    reference: sft,
    tokenizer,
    encoder,
    prompts: test,
    seed,
  });
}

/** Measures the policy that every run starts from on the held-out prompts. */
async function measureStart(context) {
  const { recipe, seed, sft, materials } = context;
  const meter = await meterOf(sft, optionsOf(recipe, RUNS[0], seed), context);
  const { rewards, responses } = await meter.measure({ oracle: materials.oracle });
  meter.dispose();
  return { rewards, responses };
}

/** Samples from the first policy, of which each judge picks the best of n, on held-out prompts. */
async function bestOfN({ materials, recipe, sft, judges, test, seed }) {
  const { base, encoder, tokenizer, oracle } = materials;
  const {
    bestOfN: plan,
    ppo: { maxNewTokens, sampling },
  } = recipe;
  const sampler = createResponseSampler({ config: base.config, weights: sft, tokenizer, encoder });
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
    const proxy = await referenceScores(judge, groups);
    const pairs = groups.map((_, i) => ({ proxy: proxy[i], gold: gold[i] }));
    curves[name] = bestOfNCurve(pairs, plan.sizes, createRandom(seed, 'best-of-n interval', name));
  }
  return curves;
}
