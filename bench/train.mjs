/**
 * Speed of one training step beside the machine's own matrix product, in one run.
 *
 *     npm run bench:train [-- --steps 8]
 *
 * Configuration: a Llama of 28 M parameters, stage-1 loss on every position, batch 4 x 256, AdamW.
 * Useful work is counted as 6 FLOP a parameter and token (forward 2, backward 4), attention left out.
 */
import { parseArgs } from 'node:util';
import { createRandom } from '@gram/data';
import { compile, float32, runtimeVersion, threadCount } from '@gram/engine';
import { initWeights, parameterCount } from '@gram/model';
import { adamW, createTrainingStep, pairGeneration } from '@gram/train';
import * as tf from '@tensorflow/tfjs';

const { values } = parseArgs({ options: { steps: { type: 'string', default: '8' } } });
const steps = Number(values.steps);

const config = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 8192,
  hiddenSize: 512,
  intermediateSize: 1408,
  numHiddenLayers: 8,
  numAttentionHeads: 8,
  numKeyValueHeads: 4,
  headDim: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 256,
  tieWordEmbeddings: true,
};
const [rows, length] = [4, 256];
const tokens = rows * length;
const parameters = parameterCount(config);

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

const timed = async (call) => {
  const start = performance.now();
  await call();
  return (performance.now() - start) / 1000;
};

/** The products of one forward pass in one graph, weights as inputs: what a step can not exceed. */
function matrixProducts(random) {
  const { hiddenSize: d, intermediateSize: f, vocabSize: v, numKeyValueHeads: kv, headDim } = config;
  const shapes = [
    [d, d],
    [kv * headDim, d],
    [f, d],
    [d, f],
    [v, d],
  ];
  const filled = (n) => Float32Array.from({ length: n }, () => random.uniform() - 0.5);
  const inputs = { x: {}, w: {} };
  for (const [i, [out, inner]] of shapes.entries()) {
    inputs.x[`x${i}`] = float32([tokens, inner], filled(tokens * inner));
    inputs.w[`w${i}`] = float32([out, inner], filled(out * inner));
  }
  const products = compile(({ x, w }) =>
    Object.fromEntries(
      shapes.map((_, i) => [`y${i}`, tf.sum(tf.matMul(x[`x${i}`], w[`w${i}`], false, true))]),
    ),
  );
  const flop = shapes.reduce((sum, [out, inner]) => sum + 2 * tokens * out * inner, 0);
  return { run: () => products(inputs), flop };
}

const random = createRandom(1, 'bench');
const weights = initWeights(config, random);
const like = () =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      float32(shape, new Float32Array(data.length)),
    ]),
  );
const step = createTrainingStep(config, pairGeneration, adamW(), weights, { m: like(), v: like() });
const examples = Array.from({ length: rows }, () => ({
  ids: Array.from({ length }, () => random.integer(config.vocabSize)),
  lossFrom: 1,
}));
const batch = pairGeneration.batch(examples, rows, length, rows * (length - 1));
let update = 0;
const run = () => step.run([batch], { update: ++update, learningRate: 1e-4, maxGradientNorm: 1 });

// Step and products take turns, so that both see the same machine.
const products = matrixProducts(random);
const times = [];
const productTimes = [];
await run();
await products.run();
for (let i = 0; i < steps; i++) {
  times.push(await timed(run));
  for (let j = 0; j < 4; j++) productTimes.push(await timed(products.run));
}
step.dispose();

const seconds = median(times);
const rate = (6 * parameters * tokens) / seconds / 1e9;
const gemm = products.flop / median(productTimes) / 1e9;
console.log(
  `onnxruntime ${runtimeVersion()}, ${threadCount()} threads, ${(parameters / 1e6).toFixed(1)} M parameters, batch ${rows} x ${length}, ${steps} steps`,
);
console.log(
  `step, median (min - max)    ${seconds.toFixed(3)} s (${Math.min(...times).toFixed(3)} - ${Math.max(...times).toFixed(3)})`,
);
console.log(`tokens                      ${(tokens / seconds).toFixed(0)} /s`);
console.log(`useful work                 ${rate.toFixed(1)} GFLOP/s`);
console.log(`matrix products, in a graph ${gemm.toFixed(1)} GFLOP/s`);
console.log(`ratio                       ${(rate / gemm).toFixed(2)} (target: at least 0.75)`);
console.log(`peak memory                 ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
