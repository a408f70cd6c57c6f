import { createRandom } from '@gram/base';
import { epochBatches } from '@gram/train';

/** Examples of an optimizer step, and of a micro-batch. */
const batchSize = 8;
const microBatchSize = 4;

/** Batches that the trainer sorts together: fewer here would leave more padding than a real run has. */
const poolBatches = 16;

/** Draws a length in tokens. Lengths are log-normal: many short texts and few long ones. */
function drawLength(random, { median, spread, least, most }) {
  for (;;) {
    const length = Math.round(median * Math.exp(spread * random.normal()));
    if (length >= least && length <= most) return length;
  }
}

const ids = (random, config, length) => Array.from({ length }, () => random.integer(config.vocabSize));

const drawExample = {
  /** A prompt and two answers, which the model learns to predict. */
  1(random, config) {
    for (;;) {
      const prompt = drawLength(random, { median: 45, spread: 0.5, least: 20, most: 100 });
      const answer = { median: 110, spread: 0.5, least: 50, most: 300 };
      const length = prompt + drawLength(random, answer) + drawLength(random, answer);
      if (length <= 512) return { ids: ids(random, config, length), lossFrom: prompt };
    }
  },
  /** A judging prompt, which holds both answers, and the label of the better one. */
  2(random, config) {
    const length = drawLength(random, { median: 290, spread: 0.4, least: 150, most: 512 });
    return { ids: ids(random, config, length), label: random.integer(2) };
  },
};

/**
 * What is trained, the same for every system: examples, and the optimizer steps as lists of their indices.
 *
 * `sorted` has steps as our trainer makes them, of sequences of similar length. `shuffled` has the same examples in the
 * order of a random sampler, which is the default of the authors' framework. `warmUp` comes before either: its batches are
 * the same for all, so that losses can be compared, and the first has the longest sequences, so that memory was asked for
 * before the clock runs.
 */
export function trainingTask(stage, config, steps, warmUpSteps) {
  const random = createRandom(stage, 'bench-train');
  const needed = steps + warmUpSteps;
  const count = batchSize * Math.max(poolBatches, needed);
  const examples = Array.from({ length: count }, () => drawExample[stage](random, config));
  const length = (i) => examples[i].ids.length;
  const chosen = epochBatches({ examples: count, batchSize, epochs: 1, seed: 1 }, 0, length).slice(0, needed);
  const longest = (batch) => Math.max(...batch.map(length));
  const top = chosen.reduce((most, batch) => (longest(batch) > longest(most) ? batch : most));
  const [warmUp, sorted] = [[top], []];
  for (const batch of chosen) if (batch !== top) (warmUp.length < warmUpSteps ? warmUp : sorted).push(batch);
  const order = random.shuffle(sorted.flat());
  const shuffled = sorted.map((_, i) => order.slice(i * batchSize, (i + 1) * batchSize));
  return {
    stage,
    examples,
    warmUp,
    sorted,
    shuffled,
    microBatchSize,
    labels: [34, 35],
    // As PyTorch counts it; the wrong label weighs half of it, the paper's 0.1.
    labelSmoothing: 0.2,
    learningRate: 1e-5,
    maxGradientNorm: 1,
  };
}
