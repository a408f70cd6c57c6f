const shared = {
  architecture: 'LlamaForCausalLM',
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 2048,
  tieWordEmbeddings: true,
  headDim: 64,
};

/** Models of the benchmarks: one of 28 M parameters, and one of the shape of SmolLM2-135M. */
export const configurations = {
  '28m': {
    ...shared,
    vocabSize: 8192,
    hiddenSize: 512,
    intermediateSize: 1408,
    numHiddenLayers: 8,
    numAttentionHeads: 8,
    numKeyValueHeads: 4,
  },
  '135m': {
    ...shared,
    vocabSize: 49_152,
    hiddenSize: 576,
    intermediateSize: 1536,
    numHiddenLayers: 30,
    numAttentionHeads: 9,
    numKeyValueHeads: 3,
  },
};

/**
 * Counts the floating-point operations of one forward pass: two for each weight and token. The head counts for the positions that
 * it runs at. Attention between positions is left out.
 */
export function forwardFlop(config, tokens, headRows) {
  const { vocabSize, hiddenSize: d, intermediateSize: f, numHiddenLayers, headDim } = config;
  const queries = config.numAttentionHeads * headDim;
  const keys = config.numKeyValueHeads * headDim;
  const layer = 2 * d * queries + 2 * d * keys + 3 * d * f;
  return 2 * (tokens * numHiddenLayers * layer + headRows * d * vocabSize);
}

/** Draws sums of uniform numbers: normal enough here, and quick for a hundred million draws. */
export function fastNormal() {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return { normal: () => 2 * (uniform() + uniform() + uniform() - 1.5) };
}

/** The middle of values, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Measures the seconds of each of `count` calls, after one that is not counted. */
export async function timed(count, call) {
  const seconds = [];
  for (let i = 0; i <= count; i++) {
    const start = performance.now();
    await call(i);
    if (i > 0) seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}
