import { createRandom } from '@gram/base';
import { float32, type NDArray, scalar } from '@gram/engine';
import { describeOnDevices, deviceStates, evaluate, maxRelativeDifference } from '@gram/engine/testing';
import { copyWeights, initWeights, type ModelConfig, type Weights } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from './__fixtures__/tiny-model.js';
import type { TrainingState } from './checkpoint.js';
import type { PreferenceExample } from './examples/kinds.js';
import { preference } from './objectives/preference.js';
import { lossAndGradients } from './steps/gradient-pass.js';
import { lossScaleAfter } from './steps/loss-scale.js';
import { type TrainRun, train } from './trainer.js';
import type { TrainingRecord } from './training-record.js';

const config: ModelConfig = { ...tinyModel, maxPositionEmbeddings: 32 };
const objective = preference({ labels: [0, 1] });
const random = createRandom(1, 'examples');
const examples = Array.from({ length: 16 }, (): PreferenceExample => {
  const label = random.integer(2) as 0 | 1;
  return { ids: [2 + label, ...Array.from({ length: 9 }, () => 5 + random.integer(15))], label };
});

function runOf(
  overrides: Partial<TrainRun<PreferenceExample>>,
  deviation = 0.2,
): TrainRun<PreferenceExample> {
  return {
    config,
    weights: initWeights(config, createRandom(2, 'weights'), deviation),
    objective,
    examples,
    options: { learningRate: 1e-2, batchSize: 8, microBatchSize: 4, epochs: 4 },
    validation: { examples: examples.slice(0, 3), due: (step) => step % 4 === 0 },
    ...overrides,
  };
}

const step = (gradientNorm: number, loss = 1) => ({ loss, gradientNorm });
const finite = (count: number) => Array.from({ length: count }, () => step(1));

describe('the scale of the loss', () => {
  it('is halved after each overflow, down to 1', () => {
    expect(lossScaleAfter([])).toBe(65_536);
    expect(lossScaleAfter([step(Number.POSITIVE_INFINITY), step(Number.NaN), step(1)])).toBe(16_384);
    expect(lossScaleAfter([step(1, Number.NaN)])).toBe(32_768);
    expect(lossScaleAfter(Array.from({ length: 40 }, () => step(Number.NaN)))).toBe(1);
  });

  it('is doubled after 1000 finite steps in a row, up to 2^24', () => {
    expect(lossScaleAfter(finite(999))).toBe(65_536);
    expect(lossScaleAfter(finite(1000))).toBe(2 * 65_536);
    expect(lossScaleAfter([...finite(999), step(Number.NaN), ...finite(999)])).toBe(32_768);
    expect(lossScaleAfter(finite(20_000))).toBe(2 ** 24);
  });

  it('is the same after a history went through a file', () => {
    const history = [step(Number.NaN), ...finite(3), step(Number.POSITIVE_INFINITY)];
    expect(lossScaleAfter(JSON.parse(JSON.stringify(history)))).toBe(lossScaleAfter(history));
  });

  it('multiplies the gradients and not the loss', async () => {
    const weights = initWeights(config, createRandom(2, 'weights'), 0.2);
    const batch = objective.batch(examples.slice(0, 4), 4, 10, 4);
    const fn = lossAndGradients(config, objective) as never;
    const plain = await evaluate(fn, { weights, gradients: {}, batch } as never);
    const scaled = await evaluate(fn, { weights, gradients: {}, batch, lossScale: scalar(1024) } as never);
    const { loss, gradients } = plain as { loss: NDArray; gradients: Weights };
    const other = scaled as { loss: NDArray; gradients: Weights };
    expect(other.loss.data[0]).toBe(loss.data[0]);
    const times = ({ shape, data }: NDArray) =>
      float32(
        shape,
        Float32Array.from(data, (x) => x * 1024),
      );
    const expected = Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, times(g)]));
    expect(maxRelativeDifference(other.gradients, expected, 1)).toBeLessThan(1e-6);
  });
});

describe('a precision that the device lacks', () => {
  it.each(['float16', 'bfloat16'] as const)('%s ends the run before its first step', async (precision) => {
    const steps: TrainingRecord[] = [];
    const run = runOf({ precision, onStep: (record) => void steps.push(record) });
    const before = copyWeights(run.weights);
    await expect(train(run)).rejects.toMatchObject({ code: 'bad-precision' });
    expect(steps).toEqual([]);
    expect(run.weights).toEqual(before);
  });
});

const gpus = (await deviceStates()).filter(({ device }) => device === 'webgpu' || device === 'cuda');

describeOnDevices(describe, gpus, 'training in float16', (device) => {
  /** Undefined where this GPU has no float16. */
  const trained = (run: TrainRun<PreferenceExample>): Promise<TrainingState | undefined> =>
    train({ ...run, device, precision: 'float16' }).catch((error) => {
      if (error.code === 'bad-precision') return undefined;
      throw error;
    });

  it('goes where float32 goes, and goes on as if it had not stopped', {
    timeout: 120_000,
  }, async (context) => {
    const full = runOf({});
    const state = await trained(full);
    // A GPU without 16-bit arithmetic, as SwiftShader is, refuses the run: there is nothing to train with.
    if (state === undefined) return context.skip(`the GPU of '${device}' has no float16`);
    const exact = await train(runOf({}));
    for (const [i, { loss, gradientNorm, validation }] of exact.history.entries()) {
      const record = state.history[i]!;
      expect(Math.abs(record.loss - loss), `loss of step ${i + 1}`).toBeLessThan(0.01);
      expect(Math.abs(record.gradientNorm / gradientNorm - 1), `norm of step ${i + 1}`).toBeLessThan(0.05);
      if (validation) expect(Math.abs(record.validation!.loss - validation.loss)).toBeLessThan(0.01);
    }
    expect(state.history).not.toEqual(exact.history);

    const stop = new AbortController();
    let saved: TrainingState | undefined;
    const half = runOf({
      signal: stop.signal,
      onStep: ({ step }, now) => {
        if (step !== 4) return;
        saved = structuredClone(now);
        stop.abort();
      },
    });
    await expect(trained(half)).rejects.toThrow();
    const rest = await trained(runOf({ weights: half.weights, resume: saved }));
    // A GPU adds the gradients of equal tokens in any order: the same run differs in its last bits.
    expect(rest!.history).toHaveLength(state.history.length);
    for (const [i, { loss }] of state.history.entries()) {
      expect(Math.abs(rest!.history[i]!.loss - loss)).toBeLessThan(1e-3);
    }
    expect(maxRelativeDifference(half.weights, full.weights, 0.1)).toBeLessThan(1e-2);
  });

  it('tries a smaller scale where gradients overflow, and does not give up', {
    timeout: 120_000,
  }, async (context) => {
    const run = runOf({}, 0.6);
    const state = await trained(run);
    // A GPU without 16-bit arithmetic, as SwiftShader is, refuses the run: there is nothing to train with.
    if (state === undefined) return context.skip(`the GPU of '${device}' has no float16`);
    expect(state.skipped).toBeGreaterThan(0);
    expect(state.skipped).toBeLessThan(state.step);
    const first = state.history.findIndex(({ gradientNorm }) => Number.isFinite(gradientNorm));
    expect(first).toBe(state.skipped);
    for (const { data } of Object.values(run.weights)) expect(data.every(Number.isFinite)).toBe(true);
  });
});
