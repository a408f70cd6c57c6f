import { createRandom } from '@gram/base';
import { initWeights, saveModel, weightShapes, withHead } from '@gram/model';
import { createDiscriminativeRewardModel, createGenerativeRewardModel } from '@gram/reward';
import { plainChat } from '@gram/tokenize';

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
