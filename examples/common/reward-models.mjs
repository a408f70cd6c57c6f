import { createRandom } from '@gram/base';
import { copyWeights, initWeights, saveModel, weightShapes, withHead } from '@gram/model';
import { createDiscriminativeRewardModel, createGenerativeRewardModel } from '@gram/reward';
import { plainChat } from '@gram/tokenize';
import {
  bradleyTerry,
  encodePreferences,
  encodeResponsePairs,
  encodeRewardPairs,
  pairGeneration,
  preference,
} from '@gram/train';
import { fit } from './training.mjs';

/** Trains stage 1: the base model learns to write pairs of responses. */
export async function trainStage1({ base, encoder, unlabeled }, { stage1 }) {
  const weights = base.weights();
  const { examples } = await encodeResponsePairs(encoder, await unlabeled());
  const history = await fit('stage 1: write pairs', {
    config: base.config,
    weights,
    objective: pairGeneration,
    examples,
    options: stage1,
  });
  return { weights, history };
}

/**
 * Trains the three reward models of the studies on the same labels: in two stages, generative from the base model, and
 * discriminative from the base model.
 *
 * @param foundation weights after stage 1; they are not changed
 */
export async function trainRewardModels(materials, recipe, foundation, seed) {
  const { base, encoder } = materials;
  const pairs = await materials.labeled();
  const labels = await encodePreferences(encoder, pairs, { seed });
  const generative = async (label, weights, { labelSmoothing, ...options }) => ({
    kind: 'generative',
    config: base.config,
    weights,
    history: await fit(label, {
      config: base.config,
      weights,
      objective: preference({ labels: encoder.labelIds, labelSmoothing }),
      examples: labels.examples,
      options,
    }),
  });
  const twoStage = await generative('stage 2: label pairs', copyWeights(foundation), recipe.stage2);
  const vanilla = await generative('generative, no stage 1', base.weights(), recipe.vanilla);
  const scorer = scoringModel(base, recipe, seed);
  const sides = await encodeRewardPairs(encoder, pairs);
  const history = await fit('discriminative', {
    ...scorer,
    objective: bradleyTerry(),
    examples: sides.examples,
    options: recipe.discriminative,
  });
  return {
    'two-stage': { name: 'GRAM, two stages', ...twoStage },
    vanilla: { name: 'generative, no stage 1', ...vanilla },
    discriminative: { name: 'discriminative', kind: 'discriminative', ...scorer, history },
  };
}

/** Makes a scoring model of the base model's decoder with a new reward head in the place of the next-token head. */
export function scoringModel({ config, weights }, { model }, seed) {
  const scoring = withHead(config, 'score');
  const fresh = initWeights(scoring, createRandom(seed, 'reward head'), model?.standardDeviation);
  const known = weights();
  const names = Object.keys(weightShapes(scoring));
  return {
    config: scoring,
    weights: Object.fromEntries(names.map((name) => [name, known[name] ?? fresh[name]])),
  };
}

/** Opens a trained model, to compare responses with or to take rewards from. */
export function rewardModelOf({ kind, config, weights }, encoder) {
  const create = kind === 'generative' ? createGenerativeRewardModel : createDiscriminativeRewardModel;
  return create({ config, weights, encoder });
}

/** Lists the runs that train the reward models of a recipe, for a dry run. */
export function rewardModelPhases({ data: { unlabeled, labeled }, ...recipe }) {
  const run = (label, examples, options, note) => ({ label, examples, options, note });
  return [
    run('stage 1', unlabeled, recipe.stage1, 'unlabeled pairs'),
    run('stage 2', labeled, recipe.stage2, 'labeled pairs'),
    run('generative, no stage 1', labeled, recipe.vanilla, 'labeled pairs'),
    run('discriminative', labeled, recipe.discriminative, 'labeled pairs'),
  ];
}

/** Saves a reward model or a policy, so that the commands of `gram` load it. */
export async function saveTrainedModel(path, { kind, config, weights }, { tokenizer, recipe, training }) {
  const gram = {
    format: 1,
    kind,
    ...(kind !== 'policy' && { judgePrompt: recipe.judgePrompt }),
    chat: plainChat.id,
    maxLength: recipe.maxLength,
    training,
  };
  await saveModel(path, { config, weights, gram, tokenizerJson: tokenizer.json });
}
