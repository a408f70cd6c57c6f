/**
 * Measures a work at points of an axis, in a process of its own:
 *
 *     node bench/scaling/point.mjs score|train|list POINTS STEPS
 *
 * POINTS is JSON, a list as `AXES` has it. Models and inputs are random. `score` computes the two label logits at the end of
 * sequences, `train` takes a step with AdamW, and `list` compares every pair of so many responses in both orders in one call.
 * Each time is the median of STEPS runs after one that is not counted. Prints one line of JSON: for each point its value, the
 * seconds, the operations and, beside scoring and training, the rate of matrix products of the same sizes.
 */
import { createRandom } from '@gram/base';
import { compile, int32 } from '@gram/engine';
import { initWeights, labelLogits, parameterCount, positionArrays, positionDimensions } from '@gram/model';
import { createGenerativeRewardModel } from '@gram/reward';
import { adamW, createTrainingStep, initMoments, pairGeneration } from '@gram/train';
import { fastNormal, median, timed } from '../engine/configurations.mjs';
import { matrixLimit } from '../engine/limits.mjs';
import { scoringFlop, sizes } from './axes.mjs';

const [work, points, steps] = process.argv.slice(2);
const random = createRandom(1, 'bench-scaling');
const LABELS = [34, 35];

/** Works by name. Each is prepared for a model once, and measured at shapes. */
const works = { score: scoring, train: training, list: ranking };

const measured = [];
let prepared;
for (const point of JSON.parse(points)) {
  if (prepared?.size !== point.size) {
    prepared?.dispose();
    const config = sizes[point.size];
    prepared = { size: point.size, config, ...works[work](config, initWeights(config, fastNormal())) };
  }
  const { config, measure } = prepared;
  measured.push({ value: point.value ?? parameterCount(config), ...(await measure(point)) });
}
prepared.dispose();
console.log(JSON.stringify({ points: measured }));

function tokens(config, count) {
  return Array.from({ length: count }, () => random.integer(config.vocabSize));
}

function scoring(config, weights) {
  const run = compile(
    (inputs) => ({
      logits: labelLogits(config, inputs.weights, inputs.tokens, inputs.last, LABELS, inputs.tables),
    }),
    { constants: ['weights'], dimensions: { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] } },
  );
  return {
    dispose: () => run.dispose(),
    async measure({ batch, length }) {
      const inputs = {
        weights,
        tables: positionArrays(config, length),
        tokens: int32([batch, length], tokens(config, batch * length)),
        last: int32([batch], Array(batch).fill(length - 1)),
      };
      const seconds = median(await timed(Number(steps), () => run(inputs)));
      const flop = scoringFlop(config, batch, length, 0);
      return { seconds, flop, limit: await matrixLimit(config, batch * length) };
    },
  };
}

function training(config, weights) {
  const optimizer = adamW();
  const moments = initMoments(optimizer, weights);
  const step = createTrainingStep(config, pairGeneration, optimizer, weights, moments);
  let update = 0;
  return {
    dispose: () => step.dispose(),
    async measure({ batch, length }) {
      const examples = Array.from({ length: batch }, () => ({ ids: tokens(config, length), lossFrom: 1 }));
      const data = pairGeneration.batch(examples, batch, length, batch * (length - 1));
      const run = () => step.run([data], { update: ++update, learningRate: 1e-4, maxGradientNorm: 1 });
      const seconds = median(await timed(Number(steps), run));
      const flop = 3 * scoringFlop(config, batch, length, batch * (length - 1));
      return { seconds, flop, limit: await matrixLimit(config, batch * length) };
    },
  };
}

function ranking(config, weights) {
  /** Texts that stand for the ids that they name. */
  const encoder = {
    labelIds: LABELS,
    comparison: async ({ prompt, a, b }) => ({
      ids: [prompt, a, b].flatMap((text) => JSON.parse(text)),
      truncated: false,
      neutralized: false,
    }),
  };
  const model = createGenerativeRewardModel({ config, weights, encoder });
  return {
    dispose: () => model.dispose(),
    async measure({ batch: count, length }) {
      const text = (size) => JSON.stringify(tokens(config, size));
      const [prompt, responses] = [text(60), Array.from({ length: count }, () => text(length))];
      const pairs = responses.flatMap((a, i) => responses.slice(i + 1).map((b) => ({ prompt, a, b })));
      const seconds = median(await timed(Number(steps), () => model.compare(pairs)));
      return { seconds, flop: 2 * pairs.length * scoringFlop(config, 1, 60 + 2 * length, 0) };
    },
  };
}
