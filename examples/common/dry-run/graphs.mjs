import { mapTree, trace } from '@gram/engine';
import {
  adapterShapes,
  continueAt,
  growingContinuationArrays,
  labelLogitsOf,
  readPrompt,
  stateAt,
  vocabularyLogits,
  weightShapes,
  withHead,
} from '@gram/model';
import { policyObjective, valueObjective } from '@gram/ppo';
import {
  adamW,
  adapterPart,
  bradleyTerry,
  lossAndGradients,
  pairGeneration,
  preference,
  supervisedFineTuning,
  wholeModel,
} from '@gram/train';

/** The adapter that is trained where not all weights are; our choice. */
export const LORA = { rank: 16, alpha: 32, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] };

const LABELS = [32, 33];

/**
 * The objectives that studies train, by name: how an example of a length looks, and which head the model has. The numbers in an
 * example do not matter, its shapes do.
 */
export const OBJECTIVES = {
  'pair generation': { objective: pairGeneration, exampleOf: written, head: 'next-token' },
  preference: {
    objective: preference({ labels: LABELS }),
    exampleOf: (length) => ({ ids: ids(length), label: 0 }),
    head: 'next-token',
  },
  'Bradley-Terry': {
    objective: bradleyTerry(),
    exampleOf: (length) => ({ chosen: ids(length), rejected: ids(length) }),
    head: 'score',
  },
  'supervised fine-tuning': { objective: supervisedFineTuning, exampleOf: written, head: 'next-token' },
  'PPO policy': {
    objective: policyObjective({ clip: { low: 0.2, high: 0.2 } }),
    exampleOf: (length) => {
      const own = written(length);
      const each = Array(length - own.lossFrom).fill(0);
      return { ...own, logProbabilities: each, advantages: each, referenceLogProbabilities: each };
    },
    head: 'next-token',
  },
  'PPO value': {
    objective: valueObjective(2),
    exampleOf: (length) => {
      const own = written(length);
      const each = Array(length - own.lossFrom).fill(0);
      return { ...own, values: each, returns: each };
    },
    head: 'score',
  },
};

const ids = (length) => Array(length).fill(1);

/** A text of which the second half is learned. */
function written(length) {
  return { ids: ids(length), lossFrom: Math.floor(length / 2) };
}

const float = (shape) => ({ dtype: 'float32', shape });
const int = (shape) => ({ dtype: 'int32', shape });
const specsOf = (shapes) =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, float(shape)]));
const isArray = (value) => value?.data !== undefined && value.shape !== undefined;

/**
 * Builds the graph of loss and gradients of an objective with the true shapes, without any weight.
 *
 * @param rows examples of a micro-batch
 * @param length tokens of a sequence
 * @param lora trains an adapter. @default all weights are trained
 * @returns the graph, and the bytes of its intermediate results: those of the gradients too where all weights are trained
 */
export function trainingGraph(config, name, { rows, length, lora }) {
  const { objective, exampleOf, head } = OBJECTIVES[name];
  const own = head === 'score' ? withHead(config, 'score') : config;
  const batch = objective.batch(Array(rows).fill(exampleOf(length)), rows, length, rows);
  const shapes = weightShapes(own);
  const part = lora === undefined ? wholeModel : adapterPart(own, lora, {});
  const specs = {
    weights: specsOf(lora === undefined ? shapes : adapterShapes(own, lora)),
    ...(lora !== undefined && { frozen: specsOf(shapes) }),
    batch: mapTree(batch, isArray, ({ dtype, shape }) => ({ dtype, shape })),
  };
  return trace(lossAndGradients(own, objective, part), specs, { gradientCheckpointing: true });
}

/** Builds the graph of an update by AdamW of all weights, or of an adapter. */
export function updateGraph(config, lora) {
  const weights = specsOf(lora === undefined ? weightShapes(config) : adapterShapes(config, lora));
  const optimizer = adamW();
  const step = Object.fromEntries(Object.keys(optimizer.scalars(1, 1, 1)).map((name) => [name, float([])]));
  return trace((inputs) => optimizer.update(inputs.weights, inputs.moments, inputs.gradients, inputs.step), {
    weights,
    moments: { m: weights, v: weights },
    gradients: weights,
    step,
  });
}

/** Builds the graphs that use a model: it judges a pair in both orders, reads prompts, and writes one more token. */
export function inferenceGraphs(config, { rows, length }) {
  const weights = specsOf(weightShapes(config));
  const { numKeyValueHeads, headDim, numHiddenLayers } = config;
  const read = { weights, tokens: int([rows, length]), last: int([rows]) };
  const cached = float([rows, numKeyValueHeads, length, headDim]);
  const cache = Array.from({ length: numHiddenLayers }, () => ({ keys: cached, values: cached }));
  const tables = mapTree(growingContinuationArrays(config)(length), isArray, ({ dtype, shape }) => ({
    dtype,
    shape,
  }));
  return {
    'judge a pair': trace(
      (inputs) => ({
        logits: labelLogitsOf(
          config,
          inputs.weights,
          stateAt(config, inputs.weights, inputs.tokens, inputs.last),
          LABELS,
        ),
      }),
      { ...read, tokens: int([2, length]), last: int([2]) },
    ),
    'read prompts': trace((inputs) => {
      const { state, cache: seen } = readPrompt(config, inputs.weights, inputs.tokens, inputs.last);
      return { logits: vocabularyLogits(config, inputs.weights, state), cache: { ...seen } };
    }, read),
    'write a token': trace(
      (inputs) => {
        const kept = Object.values(inputs.cache);
        const { tokens, positions, tables: own } = inputs;
        const { state } = continueAt(config, inputs.weights, tokens, positions, kept, own);
        return { logits: vocabularyLogits(config, inputs.weights, state) };
      },
      { weights, tokens: int([rows]), positions: int([rows]), cache: { ...cache }, tables },
    ),
  };
}
