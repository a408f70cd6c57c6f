import { createRandom } from '@gram/base';
import { type AnyArray, type Precision, place } from '@gram/engine';
import {
  type CudaRig,
  missingRig,
  openCudaRig,
  outsideTheDevice,
  type Placement,
  recordPlacements,
} from '@gram/engine/testing';
import { initWeights, type ModelConfig, type PlacedWeights, type Weights } from '@gram/model';
import { adamW, type BatchShape, createTrainingStep, initMoments, type Objective } from '@gram/train';
import { describe, expect, it } from 'vitest';
import { policyObjective } from './objectives/policy.js';
import { valueObjective } from './objectives/value.js';
import { createTokenMeter } from './rollout/token-meter.js';
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
const response = (tokens = length) => {
  const numbers = () => Array.from({ length: tokens - lossFrom }, () => random.normal());
  return {
    ids: Array.from({ length: tokens }, () => random.integer(config.vocabSize)),
    lossFrom,
    logProbabilities: numbers(),
    advantages: numbers(),
    referenceLogProbabilities: numbers(),
    values: numbers(),
    returns: numbers(),
    klWeight: 0.1,
  };
};
const clip = { low: 0.2, high: 0.2 };
type Learned = Objective<never, BatchShape, string>;
const learners = [
  {
    name: 'the policy',
    model: { config, weights },
    objectiveOf: () => policyObjective({ clip }) as Learned,
  },
  {
    name: 'the policy with the full KL in its loss',
    model: { config, weights },
    objectiveOf: (reference: PlacedWeights) =>
      policyObjective({ clip, kl: { estimator: 'full', reference } }) as Learned,
  },
  {
    name: 'the value model',
    model: valueModelFrom({ config, weights }),
    objectiveOf: () => valueObjective(0.2) as Learned,
  },
];
type Response = ReturnType<typeof response>;

const PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;
const cases = learners.flatMap((learner) => PRECISIONS.map((precision) => ({ ...learner, precision })));
type Case = (typeof cases)[number];

/** Bytes that the arena may still take after a few steps: its smallest pieces. */
const SLACK = 1 << 16;

describe.skipIf(missingRig)(`PPO on the CUDA rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);

  async function start({ model, objectiveOf, precision }: Case) {
    const objective = objectiveOf(await place(weights, 'cuda'));
    const placed = await place(model.weights as Record<string, AnyArray<'float32'>>, 'cuda');
    const moments = await place(initMoments(adamW(), model.weights as Weights), 'cuda');
    const step = createTrainingStep(model.config, objective, adamW(), placed, moments as never, {
      device: 'cuda',
      precision,
    });
    let update = 0;
    const run = (examples: readonly Response[]) => {
      const longest = Math.max(...examples.map(({ ids }) => ids.length));
      const weight = examples.reduce((sum, { ids }) => sum + ids.length - lossFrom, 0);
      const padded = 16 * Math.ceil(longest / 16);
      const batch = objective.batch(examples as never[], examples.length, padded, weight) as never;
      return step.run([batch], { update: ++update, learningRate: 1e-3, maxGradientNorm: 1 });
    };
    return { step, run, objective };
  }

  it.each(cases)('$name learns in $precision on the device', async (each) => {
    const seen = recordPlacements();
    const { step, run, objective } = await start(each);
    const batch = [response(), response()];
    for (let i = 0; i < 3; i++) await run(batch);
    const counts = await rig.during(() => run(batch));
    // Memory that leaks grows at each step; the arena may take a piece at any of them.
    const grown = [counts.bytes];
    for (let i = 0; i < 2; i++) grown.push((await rig.during(() => run(batch))).bytes);
    seen.stop();
    step.dispose();
    await settled();
    expectOnDevice(seen.read());
    // Loss, metrics and the norm of the gradient.
    const results = 2 + objective.metrics.length;
    expect(counts).toMatchObject({ copiesToHost: results, bytesToHost: 4 * results });
    expect(counts).toMatchObject({ wrongCopies: 0, mainThreadUploads: 0 });
    expect(Math.min(...grown)).toBeLessThanOrEqual(SLACK);
  });

  it.each(cases)(
    '$name takes no more memory over 200 steps than over all shapes, in $precision',
    async (each) => {
      const { step, run } = await start(each);
      await expectFlat(rig, 200, run);
      step.dispose();
    },
  );

  /** A meter of policy, reference and value model, and all that it measures of responses. */
  async function startMeter(products: Precision) {
    const value = valueModelFrom({ config, weights });
    const [policy, placedValue] = [await place(weights, 'cuda'), await place(value.weights, 'cuda')];
    const meter = createTokenMeter({
      ...{ config, policy, reference: policy, value: { ...value, weights: placedValue } },
      ...{ device: 'cuda', products },
    });
    const measure = async (responses: readonly Response[]) => {
      await meter.policy(responses);
      await meter.reference(responses, true);
      await meter.values(responses);
    };
    return { meter, measure };
  }

  it.each(PRECISIONS)('responses are measured in %s on the device', async (products) => {
    const seen = recordPlacements();
    const { meter, measure } = await startMeter(products);
    const responses = [response(), response()];
    for (let i = 0; i < 3; i++) await measure(responses);
    const counts = await rig.during(() => measure(responses));
    seen.stop();
    meter.dispose();
    await settled();
    expectOnDevice(seen.read());
    // Four numbers of each token come back: two log-probabilities, the KL and the value.
    const bytesToHost = 4 * 4 * responses.length * (length - lossFrom);
    expect(counts).toMatchObject({ copiesToHost: 4, bytesToHost, wrongCopies: 0, mainThreadUploads: 0 });
  });

  it.each(PRECISIONS)(
    'measuring takes no more memory over 200 batches than over all shapes, in %s',
    async (products) => {
      const { meter, measure } = await startMeter(products);
      await expectFlat(rig, 200, measure);
      meter.dispose();
    },
  );
});

/** Runs work on responses of several lengths again and again, which takes no more memory than on each of them once. */
async function expectFlat(
  rig: CudaRig,
  count: number,
  run: (responses: readonly Response[]) => Promise<unknown>,
): Promise<void> {
  const shapes = [24, 40, 64, 32, 56, 48, 16, 72].map((tokens) => [response(tokens), response(tokens - 3)]);
  for (const responses of shapes) await run(responses);
  const first = rig.counts().bytes;
  for (let i = shapes.length; i < count; i++) await run(shapes[(i * 5) % shapes.length]!);
  expect(rig.counts().bytes).toBeLessThanOrEqual(1.05 * first);
}

function expectOnDevice(placements: readonly Placement[]): void {
  expect(placements.length).toBeGreaterThan(0);
  expect(outsideTheDevice(placements)).toEqual([]);
}

/** Waits until disposed sessions have ended and written their profiles. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
