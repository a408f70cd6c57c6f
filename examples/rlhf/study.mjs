import { ppoOptions } from '@gram/ppo';
import { stage } from '@gram-examples/common/grid/stage';
import { baseOf, judgeOf, readingPhases, trainingOf } from '@gram-examples/common/judges';
import { settingsOf } from '@gram-examples/common/stages';

/** The judges that pay policies. They are those of the study of reward ranking with the same names. */
export const ARMS = [
  { name: 'GRAM', kind: 'generative', isFoundation: true, options: 'stage2' },
  { name: 'generative', kind: 'generative', isFoundation: false, options: 'vanilla' },
  { name: 'discriminative', kind: 'discriminative', isFoundation: false, options: 'discriminative' },
];

/**
 * Lists what a recipe computes: for each seed one policy from demonstrations and samples of it, and for each judge a run of PPO
 * and what it thinks of the samples.
 */
export function planOf(recipe) {
  const cells = recipe.seeds.flatMap((seed) => {
    const policy = policyOf(recipe, seed);
    const samples = samplesOf(recipe, seed, policy);
    return ARMS.map((arm) => {
      const judge = judgeOf(recipe, { seed, arm, labels: recipe.data.labeled });
      const choices = stage('choices', { recipe: settingsOf(recipe) }, { samples, judge });
      return { seed, arm: arm.name, samples, choices, run: runOf(recipe, seed, { policy, judge }) };
    });
  });
  return { cells, targets: cells.flatMap(({ samples, choices, run }) => [samples, choices, run]) };
}

/** The policy that every run of a seed starts from. */
function policyOf(recipe, seed) {
  const inputs = { recipe: settingsOf(recipe), seed, demonstrations: recipe.data.demonstrations };
  return stage('policy', { ...inputs, training: recipe.sft }, { model: baseOf(recipe, seed) });
}

function runOf(recipe, seed, needs) {
  const { prompts, validation, test } = recipe.data;
  const counts = { policy: prompts, validation, test };
  const inputs = { recipe: settingsOf(recipe), seed, prompts: counts, options: recipe.ppo };
  return stage('ppo', inputs, needs);
}

function samplesOf(recipe, seed, policy) {
  const { prompts, samples } = recipe.bestOfN;
  const { sampling, maxNewTokens } = ppoOptions(recipe.ppo);
  const inputs = { recipe: settingsOf(recipe), seed, prompts, size: samples, sampling, maxNewTokens };
  return stage('samples', inputs, { policy });
}

/** Lists the runs of a recipe, for a dry run. */
export function phases(recipe) {
  const { data, seeds, sft, ppo, bestOfN } = recipe;
  const of = (text) => `${text}; ${seeds.length} seeds`;
  const { batchSize, samplesPerPrompt } = ppoOptions(ppo);
  const responses = `prompts; ${batchSize * samplesPerPrompt} responses a step`;
  return [
    ...readingPhases(recipe),
    ...ARMS.map((arm) => ({
      label: arm.name,
      examples: data.labeled,
      options: trainingOf(recipe, arm, data.labeled),
      note: of('labeled pairs'),
    })),
    {
      label: 'supervised fine-tuning',
      examples: data.demonstrations,
      options: sft,
      note: of('demonstrations'),
    },
    ...ARMS.map(({ name }) => ({
      label: `PPO, ${name}`,
      examples: data.prompts,
      steps: ppo.steps,
      note: of(responses),
    })),
    {
      label: 'best of n',
      examples: bestOfN.prompts,
      steps: 0,
      note: of(`prompts; ${bestOfN.samples} responses to each, which every judge scores`),
    },
  ];
}
