import { createRandom } from '@gram/base';
import { evaluatePairs } from '@gram/reward';
import { adaptRewardModel, encodeResponsePairs, pairGeneration } from '@gram/train';
import { openData } from './materials.mjs';
import { fit, keep, openJudge, openModel, trainOptions } from './stage-models.mjs';

/** Stages of task adaptation: stage 1 on a task's own pairs, further training on its labels, and accuracy on it. */
export const adaptationStages = { taskStage1, adapted, taskAccuracy };

/** Stage 1 on the pairs of a task, whose labels are not read. */
async function taskStage1({ inputs: { recipe, seed, task, pairs: count, training }, needs, directory }) {
  const { config, weights, tokens, encoder } = await openModel(needs.model, recipe);
  const random = createRandom(seed, 'task pairs', task);
  const records = await openData({ ...recipe, data: {} }, seed).task(task, 'train', count);
  const pairs = records.map(({ id, prompt, chosen, rejected }) => ({
    ...{ id, prompt },
    // The order would give the label away.
    responses: random.shuffle([chosen, rejected]),
  }));
  const { examples } = await encodeResponsePairs(encoder, pairs);
  const run = { config, weights, objective: pairGeneration, examples };
  return keep(directory, { ...run, kind: 'policy', tokens, recipe }, await fit(run, { ...training, seed }));
}

/** Trains a generative judge, or a model that is to become one, further on `labels` of the `pool` of pairs of a task. */
async function adapted({ inputs: { recipe, seed, task, pool, labels, training }, needs, directory }) {
  const { config, weights, tokens, encoder } = await openModel(needs.model, recipe);
  const pairs = await openData({ ...recipe, data: {} }, seed).task(task, 'train', pool);
  const { labelSmoothing, ...options } = training;
  const { weights: trained, history } = await adaptRewardModel({
    ...{ config, weights, encoder, kind: 'generative', pairs, count: labels, seed, labelSmoothing },
    options: trainOptions({ ...options, seed }),
  });
  const losses = history.map(({ step, loss }) => [step, loss]);
  return keep(directory, { config, weights: trained, kind: 'generative', tokens, recipe }, losses);
}

/** Says which test pairs of a task a judge decides as they are labeled. */
async function taskAccuracy({ inputs: { recipe, seed, task, pairs: count }, needs }) {
  const model = await openJudge(needs.judge, recipe);
  const pairs = await openData({ ...recipe, data: {} }, seed).task(task, 'test', count);
  const { items } = await evaluatePairs(model, pairs, { seed });
  model.dispose();
  return { correct: items.map(({ correct }) => Number(correct)) };
}
