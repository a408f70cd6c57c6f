import { threadCount } from '@gram/base';
import { configurations, forwardFlop } from '../engine/configurations.mjs';

/** Shape of a small model with heads of 64. */
const small = (vocabSize, hiddenSize, intermediateSize, numHiddenLayers, numKeyValueHeads) => ({
  ...configurations['28m'],
  ...{ vocabSize, hiddenSize, intermediateSize, numHiddenLayers, numKeyValueHeads },
  numAttentionHeads: hiddenSize / 64,
});

/** Models from 1 to 360 million parameters; the last one has the shape of SmolLM2-360M. */
export const sizes = {
  '1m': small(4096, 128, 352, 3, 1),
  '5m': small(8192, 256, 704, 4, 2),
  ...configurations,
  '360m': small(49_152, 960, 2560, 32, 5),
};

/** A point of an axis: `value` is its place there, and `batch` sequences of `length` tokens are computed by `size`. */
const point = (value, size, batch, length) => ({ value, size, batch, length });

/** The powers of two up to a number, and the number. */
const powersTo = (most) => [...Array.from({ length: 31 }, (_, i) => 2 ** i).filter((n) => n < most), most];

/** Works of an axis, each with the points at which it is measured. */
const scoringAndTraining = (points) => ({ score: points, train: points });

/** Axes that the cost is measured against. `parametersOf` a size are the values of the last but one axis, which the case counts. */
export const AXES = {
  length: {
    title: 'sequence length',
    unit: 'tokens',
    about: 'One sequence, by the model of 28 M parameters.',
    works: scoringAndTraining([64, 128, 256, 512, 1024, 2048].map((n) => point(n, '28m', 1, n))),
  },
  batch: {
    title: 'batch',
    unit: 'sequences',
    about: 'Sequences of 128 tokens, by the model of 28 M parameters.',
    works: scoringAndTraining([1, 2, 4, 8, 16].map((n) => point(n, '28m', n, 128))),
  },
  list: {
    title: 'list size',
    unit: 'responses',
    about:
      'Every pair of a list is judged in both orders by the model of 28 M parameters: responses of 40 tokens after a prompt of 60.',
    works: { list: [2, 4, 8, 16, 32].map((n) => point(n, '28m', n, 40)) },
  },
  size: {
    title: 'model size',
    unit: 'parameters',
    about: 'Two sequences of 256 tokens, by models from 1 to 360 M parameters.',
    works: scoringAndTraining(Object.keys(sizes).map((size) => point(undefined, size, 2, 256))),
  },
  threads: {
    title: 'threads',
    unit: 'threads',
    about: 'Four sequences of 256 tokens, by the model of 28 M parameters.',
    works: scoringAndTraining(
      powersTo(threadCount()).map((n) => ({ ...point(n, '28m', 4, 256), threads: n })),
    ),
  },
};

/**
 * Counts the floating-point operations of one forward pass with attention, where a position sees itself and all before it: two
 * products of every query with each key that it sees.
 */
export function scoringFlop(config, batch, length, headRows) {
  const { numHiddenLayers, numAttentionHeads, headDim } = config;
  const attention = 2 * length * (length + 1) * numHiddenLayers * numAttentionHeads * headDim;
  return forwardFlop(config, batch * length, headRows) + batch * attention;
}
