import { join } from 'node:path';
import { loadModel } from '@gram/model';
import { loadTokenizer } from '@gram/tokenize';
import { adamW, train } from '@gram/train';
import { encoderOf } from './materials.mjs';
import { rewardModelOf, saveTrainedModel } from './reward-models.mjs';

/** Opens the model of a stage, which is in a directory of its own where it was not trained here, and its tokenizer. */
export async function openModel({ directory, result }, recipe) {
  const place = result.path ?? join(directory, 'model');
  const tokens = loadTokenizer(place);
  const { config, weights } = await loadModel(place);
  return { config, weights, tokens, encoder: await encoderOf(recipe, tokens) };
}

/** Opens the judge of a stage. */
export async function openJudge(stage, recipe) {
  const { config, weights, encoder } = await openModel(stage, recipe);
  return rewardModelOf({ kind: stage.result.kind, config, weights }, encoder);
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
