/**
 * Runs one rank of a measurement of weak scaling:
 *
 *     node bench/scaling/case.mjs CONFIGURATION BATCH LENGTH STEPS SHARDING
 *
 * `alone` instead of a sharding trains without the other ranks. Rank 0, or a process alone, prints one line of JSON.
 */
import { createRandom } from '@gram/base';
import { zeros } from '@gram/engine';
import { initWeights, parameterCount } from '@gram/model';
import {
  adamW,
  connect,
  createTrainingStep,
  initMoments,
  pairGeneration,
  sharesOf,
  slicesOf,
} from '@gram/train';
import { configurations, fastNormal, median } from '../engine/configurations.mjs';

const [configuration, ...rest] = process.argv.slice(2);
const [batch, length, steps] = rest.slice(0, 3).map(Number);
const sharding = rest[3];
const communicator = sharding === 'alone' ? undefined : await connect();
const rank = communicator?.rank ?? 0;
const size = communicator?.size ?? 1;
const config = configurations[configuration];
const weights = initWeights(config, fastNormal());
const optimizer = adamW();

/** Moments of the weights that this rank updates. */
function ownMoments() {
  if (sharding !== 'zero1') return initMoments(optimizer, weights);
  const mine = sharesOf(weights, size, { isElementwise: true, device: 'cpu' })[rank];
  return initMoments(optimizer, slicesOf(weights, mine));
}
const step = createTrainingStep(config, pairGeneration, optimizer, weights, ownMoments(), {
  communicator,
  optimizerSharding: sharding === 'zero1' ? 'zero1' : 'none',
});
const random = createRandom(1, 'bench', rank);
const examples = Array.from({ length: batch }, () => ({
  ids: Array.from({ length }, () => random.integer(config.vocabSize)),
  lossFrom: 1,
}));
const data = pairGeneration.batch(examples, batch, length, size * batch * (length - 1));
const seconds = [];
for (let update = 1; update <= steps + 1; update++) {
  await communicator?.barrier();
  const start = performance.now();
  await step.run([data], { update, learningRate: 1e-4, maxGradientNorm: 1 });
  if (update > 1) seconds.push((performance.now() - start) / 1000);
}
step.dispose();
// The reduction by itself.
const values = zeros([parameterCount(config)]).data;
const reductions = [];
for (let i = 0; i < 6; i++) {
  await communicator?.barrier();
  const start = performance.now();
  for (let at = 0; at < values.length; at += 2 ** 24) {
    await communicator?.allReduceSum(values.subarray(at, at + 2 ** 24));
  }
  if (i > 0) reductions.push((performance.now() - start) / 1000);
}
if (rank === 0) {
  const peakMemory = process.resourceUsage().maxRSS * 1024;
  const result = {
    seconds: median(seconds),
    allReduce: median(reductions),
    peakMemory,
    tokens: batch * length,
  };
  console.log(JSON.stringify({ ...result, bytes: 4 * values.length }));
}
await communicator?.close();
