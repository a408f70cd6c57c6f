import { createRandom } from '@gram/base';
import { evaluatePairs } from '@gram/reward';
import { adaptRewardModel, encodeResponsePairs, pairGeneration, simplePreference, train } from '@gram/train';
import { encodeLikelihoodPairs } from './decisions/likelihood.mjs';
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

/** Trains a judge, or a model that is to become one, further on `labels` of the `pool` of pairs of a task. */
async function adapted({ inputs: { recipe, seed, task, kind, pool, labels, training }, needs, directory }) {
  const { tokens, encoder, ...start } = await openModel(needs.model, recipe);
  const pairs = await openData({ ...recipe, data: {} }, seed).task(task, 'train', pool);
  const { labelSmoothing, beta, ...pace } = training;
  const run = { ...start, encoder, pairs, count: labels, seed, options: trainOptions({ ...pace, seed }) };
  const { weights, history } =
    kind === 'likelihood'
      ? await adaptByLikelihood({ ...run, beta })
      : await adaptRewardModel({ ...run, kind, labelSmoothing });
  const losses = history.map(({ step, loss }) => [step, loss]);
  const trained = { config: start.config, weights, tokens, recipe };
  if (kind !== 'likelihood') return keep(directory, { ...trained, kind }, losses);
  return { ...(await keep(directory, { ...trained, kind: 'policy' }, losses)), beta };
}

/** Does what `adaptRewardModel` does for a judge by likelihood: smaller numbers of labels are part of larger ones. */
async function adaptByLikelihood({ config, weights, encoder, pairs, count, seed, options, beta }) {
  const some = createRandom(seed, 'adaptation').shuffle(pairs).slice(0, count);
  if (some.length === 0) return { weights, history: [] };
  const examples = await encodeLikelihoodPairs(encoder, some);
  const { history } = await train({
    ...{ config, weights, examples, options },
    objective: simplePreference({ beta }),
  });
  return { weights, history };
}

/** Says which test pairs of a task a judge decides as they are labeled. */
async function taskAccuracy({ inputs: { recipe, seed, task, pairs: count }, needs }) {
  const model = await openJudge(needs.judge, recipe);
  const pairs = await openData({ ...recipe, data: {} }, seed).task(task, 'test', count);
  const { items } = await evaluatePairs(model, pairs, { seed });
  model.dispose();
  return { correct: items.map(({ correct }) => Number(correct)) };
}
