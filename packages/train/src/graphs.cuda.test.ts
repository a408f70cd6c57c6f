import { createRandom } from '@gram/base';
import { type AnyArray, place } from '@gram/engine';
import { missingRig, openCudaRig, outsideTheDevice, recordPlacements } from '@gram/engine/testing';
import { initWeights, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { type Communicator, singleProcess } from './distributed/communicator.js';
import type { BatchShape } from './objectives/batch.js';
import { directPreference } from './objectives/direct-preference.js';
import type { Objective } from './objectives/objective.js';
import { preference } from './objectives/preference.js';
import { pairGeneration } from './objectives/token-generation.js';
import { adamW } from './optimizers/adamw.js';
import { initMoments } from './optimizers/optimizer.js';
import { createTrainingStep, type TrainingStepOptions } from './steps/training-step.js';

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
const ids = (length: number) => Array.from({ length }, () => random.integer(config.vocabSize));

const generationBatch = (rows: number, length: number) => {
  const examples = Array.from({ length: rows }, () => ({ ids: ids(length - 1), lossFrom: 3 }));
  return pairGeneration.batch(examples, rows, length, rows * length);
};
const judging = preference({ labels: [5, 6] });
const direct = directPreference();

const stages = [
  { name: 'stage 1', objective: pairGeneration, batch: () => generationBatch(3, 16) },
  {
    name: 'stage 2',
    objective: judging,
    batch: () =>
      judging.batch(
        [
          { ids: ids(12), label: 0 },
          { ids: ids(14), label: 1 },
        ],
        2,
        16,
        2,
      ),
  },
  {
    name: 'DPO',
    objective: direct,
    batch: () => {
      const pair = () => ({
        chosen: { ids: ids(12), lossFrom: 4 },
        rejected: { ids: ids(10), lossFrom: 4 },
        reference: { chosen: -3, rejected: -4 },
      });
      return direct.batch([pair(), pair()], 2, 16, 2);
    },
  },
];

const PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;

/** One of two ranks, whose gradients are summed in several groups: it stands for both, and nothing is sent. */
function oneOfTwo(summed: number[]): Communicator {
  const run = async (calls: readonly unknown[]) => {
    summed.push(calls.length);
  };
  const exchange = { description: 'nowhere', run, bucketBytes: 4096, count() {} };
  return { ...singleProcess, size: 2, gpus: async () => exchange };
}

/** Bytes that the arena may still take after a few steps: its smallest pieces. */
const SLACK = 1 << 16;

describe.skipIf(missingRig)(`training on the CUDA rig${missingRig ? ` (${missingRig})` : ''}`, () => {
  const rig = missingRig === undefined ? openCudaRig() : (undefined as never);

  async function start(objective: Objective<never, BatchShape, string>, options: TrainingStepOptions) {
    const host = initWeights(config, createRandom(5, 'weights'), 0.2);
    const weights = await place(host as Record<string, AnyArray<'float32'>>, 'cuda');
    const moments = await place(initMoments(adamW(), host), 'cuda');
    const step = createTrainingStep(config, objective, adamW(), weights, moments as never, {
      device: 'cuda',
      ...options,
    });
    let update = 0;
    return {
      step,
      run: (batches: readonly never[]) =>
        step.run(batches, { update: ++update, learningRate: 1e-3, maxGradientNorm: 1 }),
    };
  }

  const cases = stages.flatMap((stage) =>
    PRECISIONS.flatMap((precision) =>
      (stage.name === 'stage 1' ? [false, true] : [false]).flatMap((gradientCheckpointing) =>
        (stage.name === 'stage 1' ? [1, 2] : [1]).map((ranks) => ({
          ...{ ...stage, precision, gradientCheckpointing, ranks },
        })),
      ),
    ),
  );

  it.each(cases)(
    '$name in $precision, checkpointing $gradientCheckpointing, of $ranks ranks, stays on the device',
    async ({ objective, batch, precision, gradientCheckpointing, ranks }) => {
      const seen = recordPlacements();
      const summed: number[] = [];
      const communicator = ranks === 1 ? singleProcess : oneOfTwo(summed);
      const { step, run } = await start(objective as never, {
        ...{ precision, gradientCheckpointing, communicator },
      });
      const batches = [batch(), batch()] as never[];
      // The arena has settled after a few steps of one shape.
      for (let i = 0; i < 3; i++) await run(batches);
      const counts = await rig.during(() => run(batches));
      // Memory that leaks grows at each step; the arena may take a piece at any of them.
      const grown = [counts.bytes];
      for (let i = 0; i < 2; i++) grown.push((await rig.during(() => run(batches))).bytes);
      seen.stop();
      step.dispose();
      await settled();
      expect(outsideTheDevice(seen.read())).toEqual([]);
      // Loss and metrics of each micro-batch and the norm of the gradient, which are single numbers.
      const results = batches.length * (1 + objective.metrics.length) + 1;
      expect(counts).toMatchObject({ copiesToHost: results, bytesToHost: 4 * results });
      expect(counts).toMatchObject({ wrongCopies: 0, mainThreadUploads: 0 });
      // Six steps, each of which sums in several groups.
      if (ranks > 1) expect(summed.length).toBeGreaterThan(6 * 5);
      expect(Math.min(...grown)).toBeLessThanOrEqual(SLACK);
    },
  );

  const shared = [1, 2].flatMap((ranks) => PRECISIONS.map((precision) => [ranks, precision] as const));

  it.each(shared)(
    'takes no more memory over 200 steps than over the first pass through all shapes (%i ranks, %s)',
    async (ranks, precision) => {
      const communicator = ranks === 1 ? singleProcess : oneOfTwo([]);
      const { step, run } = await start(pairGeneration as never, { precision, communicator });
      const shapes = [24, 40, 64, 32, 56, 48, 16, 72].map((length) => generationBatch(2, length));
      for (const batch of shapes) await run([batch] as never[]);
      const first = rig.counts().bytes;
      for (let i = shapes.length; i < 200; i++) await run([shapes[(i * 5) % shapes.length]] as never[]);
      expect(rig.counts().bytes).toBeLessThanOrEqual(1.05 * first);
      step.dispose();
    },
  );
});

/** Waits until disposed sessions have ended and written their profiles. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
