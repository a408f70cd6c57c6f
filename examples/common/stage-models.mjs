import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initWeights, loadModel, saveModel, weightShapes, withHead } from '@gram/model';
import { createDiscriminativeRewardModel, createGenerativeRewardModel } from '@gram/reward';
import { loadTokenizer, plainChat } from '@gram/tokenize';
import { adamW, train } from '@gram/train';
import { createLikelihoodJudge } from './decisions/likelihood.mjs';
import { encoderOf } from './materials.mjs';

/** Opens the model of a stage, which is in a directory of its own where it was not trained here, and its tokenizer. */
export async function openModel({ directory, result }, recipe) {
  const place = result.path ?? join(directory, 'model');
  const tokens = loadTokenizer(place);
  const { config, weights } = await loadModel(place);
  return { config, weights, tokens, encoder: await encoderOf(recipe, tokens) };
}

/** Functions that make a judge of a model of each kind. A language model judges by likelihood, with labels or before it has read any. */
const JUDGES = {
  generative: createGenerativeRewardModel,
  discriminative: createDiscriminativeRewardModel,
  policy: createLikelihoodJudge,
};

/** Opens the model of a stage as a judge. */
export async function openJudge(stage, recipe) {
  const { config, weights, encoder } = await openModel(stage, recipe);
  const { kind, beta } = stage.result;
  return JUDGES[kind]({ config, weights, encoder, beta });
}

/** Makes the options of `train` from a recipe, which holds numbers only. */
export function trainOptions({ weightDecay, beta2, ...pace }) {
  return { ...pace, optimizer: adamW({ weightDecay, beta2 }) };
}

/** Trains in place and returns the losses. */
export async function fit(run, options) {
  const { history } = await train({ ...run, options: trainOptions(options) });
  return history.map(({ step, loss }) => [step, loss]);
}

/** Saves the trained model of a stage; the result is what the next stages and reports read. */
export async function keep(directory, { config, weights, kind, tokens, recipe }, losses) {
  const about = { tokenizer: tokens, recipe, training: {} };
  await saveTrainedModel(join(directory, 'model'), { kind, config, weights }, about);
  return { kind, losses };
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

/** Saves a reward model or a policy, so that the commands of `gram` load it. */
async function saveTrainedModel(path, { kind, config, weights }, { tokenizer, recipe, training }) {
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
