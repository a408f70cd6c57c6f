import { createRandom } from '@gram/base';
import { type AnyArray, float32, type NDArray, place, read, scalar } from '@gram/engine';
import { describeOnDevices, deviceStates, evaluate, maxRelativeDifference } from '@gram/engine/testing';
import { initWeights, type ModelConfig } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { preference } from './objectives/preference.js';
import { pairGeneration } from './objectives/token-generation.js';
import { adamW } from './optimizers/adamw.js';
import type { Moments } from './optimizers/optimizer.js';
import { lossAndGradients } from './steps/gradient-pass.js';
import { createTrainingStep } from './steps/training-step.js';

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 64,
  tieWordEmbeddings: true,
};

const steps = 20;
const learningRate = 3e-3;
const random = createRandom(7, 'devices');
const weights0 = initWeights(config, createRandom(5, 'weights'), 0.2);
const ids = (length: number) => Array.from({ length }, () => random.integer(config.vocabSize));
const batches = Array.from({ length: steps }, () => {
  const examples = Array.from({ length: 3 }, () => ({ ids: ids(11), lossFrom: 3 }));
  return pairGeneration.batch(examples, 3, 12, 24);
});

const copy = (like: Readonly<Record<string, NDArray>>, fill?: number) =>
  Object.fromEntries(
    Object.entries(like).map(([name, { shape, data }]) => [
      name,
      float32(shape, fill === undefined ? Float32Array.from(data) : new Float32Array(data.length).fill(fill)),
    ]),
  );

/** The same steps on TensorFlow.js' own backend, one operation at a time. */
async function reference(): Promise<{ losses: number[]; weights: Record<string, NDArray> }> {
  const optimizer = adamW();
  let weights: Record<string, NDArray> = copy(weights0);
  let moments: Moments<NDArray> = { m: copy(weights0, 0), v: copy(weights0, 0) };
  const losses: number[] = [];
  for (const [i, batch] of batches.entries()) {
    const gradientsOf = lossAndGradients(config, pairGeneration);
    const { loss, gradients } = (await evaluate(
      gradientsOf as never,
      {
        weights,
        gradients: {},
        batch,
      } as never,
    )) as { loss: NDArray; gradients: Record<string, NDArray> };
    let squares = 0;
    for (const { data } of Object.values(gradients)) for (const value of data) squares += value * value;
    const scale = Math.min(1, 1 / (Math.sqrt(squares) + 1e-6));
    const step = Object.fromEntries(
      Object.entries(optimizer.scalars(i + 1, learningRate, scale)).map(([name, n]) => [name, scalar(n)]),
    );
    const next = (await evaluate(
      ((all: never) => {
        const { weights: w, moments: m, gradients: g, step: s } = all as Record<string, never>;
        return optimizer.update(w!, m!, g!, s!);
      }) as never,
      { weights, moments, gradients, step } as never,
    )) as { weights: Record<string, NDArray>; moments: Moments<NDArray> };
    ({ weights, moments } = next);
    losses.push(loss.data[0]!);
  }
  return { losses, weights };
}

const expected = await reference();

describeOnDevices(describe, await deviceStates(), 'a training step', (device) => {
  it('20 optimizer steps stay together with TensorFlow.js, with weights and moments on the device', async () => {
    const weights = await place(copy(weights0), device);
    const moments = await place({ m: copy(weights0, 0), v: copy(weights0, 0) }, device);
    const step = createTrainingStep(config, pairGeneration, adamW(), weights, moments, { device });
    const losses: number[] = [];
    for (const [i, batch] of batches.entries()) {
      const { loss } = await step.run([batch], {
        update: i + 1,
        learningRate,
        maxGradientNorm: 1,
      });
      losses.push(loss);
    }
    for (const [i, loss] of losses.entries()) {
      expect(Math.abs(loss - expected.losses[i]!) / expected.losses[i]!).toBeLessThan(1e-4);
    }
    const after = (await read(weights)) as Record<string, NDArray>;
    expect(maxRelativeDifference(after, expected.weights)).toBeLessThan(1e-4);
    // They moved, so this says something.
    expect(maxRelativeDifference(after, weights0)).toBeGreaterThan(0.01);
    step.dispose();
  });

  it('updates weights in host memory as well', async () => {
    const weights = copy(weights0);
    const moments = { m: copy(weights0, 0), v: copy(weights0, 0) };
    const step = createTrainingStep(config, preference({ labels: [5, 9] }), adamW(), weights, moments, {
      device,
    });
    const objective = preference({ labels: [5, 9] });
    const examples = [
      { ids: ids(9), label: 0 as const },
      { ids: ids(7), label: 1 as const },
    ];
    const batch = objective.batch(examples, 2, 10, 2);
    const run = (update: number) => step.run([batch], { update, learningRate: 1e-2, maxGradientNorm: 1 });
    const { loss: before } = await run(1);
    for (let update = 2; update < 6; update++) await run(update);
    expect((await run(6)).loss).toBeLessThan(before);
    expect(maxRelativeDifference(weights as Record<string, AnyArray>, weights0)).toBeGreaterThan(0.01);
    step.dispose();
  });
});
