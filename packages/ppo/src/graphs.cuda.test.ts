import { createRandom } from '@gram/base';
import { type AnyArray, place } from '@gram/engine';
import { missingRig, openCudaRig, outsideTheDevice, recordPlacements } from '@gram/engine/testing';
import { initWeights, type ModelConfig, type Weights } from '@gram/model';
import { adamW, type BatchShape, createTrainingStep, initMoments, type Objective } from '@gram/train';
import { describe, expect, it } from 'vitest';
import { policyObjective } from './objectives/policy.js';
import { valueObjective } from './objectives/value.js';
import { valueModelFrom } from './value-model.js';

// Kernels compute nothing on the rig: these tests see who runs an operation, what is copied, and memory.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 64,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 256,
  tieWordEmbeddings: true,
};
const random = createRandom(3, 'cuda graphs');
const weights = initWeights(config, createRandom(5, 'weights'), 0.2);
const [length, lossFrom] = [14, 6];
const numbers = () => Array.from({ length: length - lossFrom }, () => random.normal());
const response = () => ({
  ids: Array.from({ length }, () => random.integer(config.vocabSize)),
  lossFrom,
  logProbabilities: numbers(),
  advantages: numbers(),
  referenceLogProbabilities: numbers(),
  values: numbers(),
  returns: numbers(),
  klWeight: 0.1,
});
const clip = { low: 0.2, high: 0.2 };
const tokens = 2 * (length - lossFrom);

const learners = [
  {
    name: 'the policy',
    model: { config, weights },
    objective: policyObjective({ clip }) as Objective<never, BatchShape, string>,
  },
  {
    name: 'the policy with the full KL in its loss',
    model: { config, weights },
    objective: policyObjective({
      clip,
      kl: { estimator: 'full', reference: weights },
    }) as Objective<never, BatchShape, string>,
  },
  {
    name: 'the value model',
    model: valueModelFrom({ config, weights }),
    objective: valueObjective(0.2) as Objective<never, BatchShape, string>,
  },
];
const cases = learners.flatMap((learner) =>
  (['float32', 'bfloat16', 'float16'] as const).map((precision) => ({ ...learner, precision })),
);

/** Bytes that the arena may still take after a few steps: its smallest pieces. */
const SLACK = 1 << 16;

describe.skipIf(missingRig)(`PPO on the CUDA rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);

  it.each(cases)('$name learns in $precision on the device', async ({ model, objective, precision }) => {
    const seen = recordPlacements();
    const placed = await place(model.weights as Record<string, AnyArray<'float32'>>, 'cuda');
    const moments = await place(initMoments(adamW(), model.weights as Weights), 'cuda');
    const step = createTrainingStep(model.config, objective, adamW(), placed, moments as never, {
      device: 'cuda',
      precision,
    });
    const batch = objective.batch([response(), response()] as never[], 2, 16, tokens) as never;
    let update = 0;
    const run = () => step.run([batch], { update: ++update, learningRate: 1e-3, maxGradientNorm: 1 });
    for (let i = 0; i < 3; i++) await run();
    const counts = await rig.during(run);
    // Memory that leaks grows at each step; the arena may take a piece at any of them.
    const grown = [counts.bytes];
    for (let i = 0; i < 2; i++) grown.push((await rig.during(run)).bytes);
    seen.stop();
    step.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(outsideTheDevice(seen.read())).toEqual([]);
    // Loss, metrics and the norm of the gradient.
    const results = 2 + objective.metrics.length;
    expect(counts).toMatchObject({ copiesToHost: results, bytesToHost: 4 * results });
    expect(counts).toMatchObject({ wrongCopies: 0, mainThreadUploads: 0 });
    expect(Math.min(...grown)).toBeLessThanOrEqual(SLACK);
  });
});
