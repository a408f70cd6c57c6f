import { ppoOptions } from '@gram/ppo';
import { stage } from '@gram-examples/common/grid/stage';
import {
  armsOf,
  baseOf,
  judgeOf,
  judgePhase,
  readingPhases,
  trainingPhase,
} from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

/**
 * Lists what a recipe computes: for each seed one policy from demonstrations and samples of it, and for each judge a run of PPO
 * and what it thinks of the samples. Judges are those of the study of reward
 * ranking with the same names.
 */
export function planOf(recipe) {
  const cells = recipe.seeds.flatMap((seed) => {
    const policy = policyOf(recipe, seed);
    const samples = samplesOf(recipe, seed, policy);
    return armsOf(recipe).map((arm) => {
      const judge = judgeOf(recipe, { seed, arm, labels: recipe.data.labeled });
      const choices = stage('choices', { recipe: settingsOf(recipe) }, { samples, judge });
      return { seed, arm: arm.name, samples, choices, run: runOf(recipe, seed, { policy, judge }) };
    });
  });
  return { cells, targets: cells.flatMap(({ samples, choices, run }) => [samples, choices, run]) };
}

/** The settings of policies: their demonstrations and prompts may be of fewer families than the labels of the judges. */
function settingsOfPolicy({ source, policyFamilies: families, ...recipe }) {
  return settingsOf({ ...recipe, source: families === undefined ? source : { ...source, families } });
}

/** The policy that every run of a seed starts from. */
function policyOf(recipe, seed) {
  const inputs = { recipe: settingsOfPolicy(recipe), seed, demonstrations: recipe.data.demonstrations };
  return stage('policy', { ...inputs, training: recipe.sft }, { model: baseOf(recipe, seed) });
}

function runOf(recipe, seed, needs) {
  const { prompts, validation, test } = recipe.data;
  const counts = { policy: prompts, validation, test };
  const inputs = { recipe: settingsOfPolicy(recipe), seed, prompts: counts, options: recipe.ppo };
  return stage('ppo', inputs, needs);
}

function samplesOf(recipe, seed, policy) {
  const { prompts, samples } = recipe.bestOfN;
  const { sampling, maxNewTokens } = ppoOptions(recipe.ppo);
  const inputs = { recipe: settingsOfPolicy(recipe), seed, prompts, size: samples, sampling, maxNewTokens };
  return stage('samples', inputs, { policy });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { data, seeds, sft, ppo } = recipe;
  const of = (text) => `${text}; ${seeds.length} seeds`;
  const arms = armsOf(recipe);
  const demonstrations = data.demonstrations;
  return [
    ...readingPhases(recipe),
    ...arms.map((arm) => ({ ...judgePhase(recipe, arm, data.labeled), note: of('labeled pairs') })),
    {
      ...trainingPhase('supervised fine-tuning', 'supervised fine-tuning', demonstrations, sft),
      note: of('demonstrations'),
    },
    ...arms.map((arm) => ({
      ...ppoPhase(arm, data.prompts, ppo),
      note: of(`prompts; ${responsesOf(ppo)} responses a step`),
    })),
    bestOfNPhase(recipe, of('prompts')),
  ];
}

function responsesOf(ppo) {
  const { batchSize, samplesPerPrompt } = ppoOptions(ppo);
  return batchSize * samplesPerPrompt;
}

/** A run of PPO: responses are written, judged in both orders, measured by reference and value model, and learned from. */
function ppoPhase({ name, kind }, prompts, ppo) {
  const { steps, epochs, maxNewTokens } = ppoOptions(ppo);
  const responses = steps * responsesOf(ppo);
  const judged =
    kind === 'generative'
      ? { objective: 'preference', examples: 2 * responses }
      : { objective: 'PPO value', examples: responses };
  return {
    ...{ label: `PPO, ${name}`, examples: prompts, steps },
    written: 2 * responses * maxNewTokens,
    passes: [
      judged,
      { objective: 'PPO policy', examples: responses },
      { objective: 'PPO value', examples: responses },
      ...['PPO policy', 'PPO value'].map((objective) => {
        return { objective, examples: epochs * responses, isTrained: true };
      }),
    ],
  };
}

/** Samples of the first policy, which every judge scores. */
function bestOfNPhase({ arms, bestOfN: { prompts, samples }, ppo }, note) {
  const responses = prompts * samples;
  return {
    ...{ label: 'best of n', examples: prompts, steps: 0 },
    note: `${note}; ${samples} responses to each, which every judge scores`,
    written: responses * ppo.maxNewTokens,
    passes: arms.map(() => ({ objective: 'preference', examples: 2 * responses })),
  };
}
