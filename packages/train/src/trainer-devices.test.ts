import { createRandom } from '@gram/base';
import { type DeviceName, diagnose } from '@gram/engine';
import { describeOnDevices, deviceStates, maxRelativeDifference } from '@gram/engine/testing';
import {
  copyWeights,
  initAdapter,
  initWeights,
  type LoraConfig,
  type ModelConfig,
  type Weights,
} from '@gram/model';
import { describe, expect, it } from 'vitest';
import { tinyModel } from './__fixtures__/tiny-model.js';
import type { TrainingState } from './checkpoint.js';
import { togetherInOneProcess } from './distributed/__fixtures__/in-process.js';
import type { PreferenceExample } from './examples/kinds.js';
import { preference } from './objectives/preference.js';
import { adapterPart } from './parts/trained-part.js';
import { type TrainRun, train } from './trainer.js';

const config: ModelConfig = { ...tinyModel, maxPositionEmbeddings: 32 };
const random = createRandom(1, 'examples');
const examples = Array.from({ length: 16 }, (): PreferenceExample => {
  const label = random.integer(2) as 0 | 1;
  return { ids: [2 + label, ...Array.from({ length: 9 }, () => 5 + random.integer(15))], label };
});
const base = initWeights(config, createRandom(2, 'weights'), 0.2);
const lora: LoraConfig = { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'], dropout: 0.2 };

/** A run of eight steps, of the whole model or of an adapter. */
function runOf(device: DeviceName, adapter: boolean): TrainRun<PreferenceExample> {
  return {
    config,
    weights: adapter ? initAdapter(config, lora, base, createRandom(3, 'adapter')) : copyWeights(base),
    part: adapter ? adapterPart(config, lora, base) : undefined,
    objective: preference({ labels: [0, 1] }),
    examples,
    options: { learningRate: 1e-2, batchSize: 8, microBatchSize: 4, epochs: 4 },
    validation: { examples: examples.slice(0, 3), due: (step) => step % 4 === 0 },
    needsState: () => false,
    device,
  };
}

const expected = new Map<boolean, { weights: Weights; state: TrainingState }>();
for (const adapter of [false, true]) {
  const run = runOf('cpu', adapter);
  expected.set(adapter, { state: await train(run), weights: run.weights });
}

function expectSame(state: TrainingState, weights: Weights, adapter: boolean): void {
  const wanted = expected.get(adapter)!;
  for (const [i, { loss, validation }] of wanted.state.history.entries()) {
    const record = state.history[i]!;
    expect(Math.abs(record.loss - loss), `loss of step ${i + 1}`).toBeLessThan(1e-4);
    expect(record.validation === undefined).toBe(validation === undefined);
    if (validation !== undefined) {
      expect(Math.abs(record.validation!.loss - validation.loss)).toBeLessThan(1e-4);
    }
  }
  expect(maxRelativeDifference(weights, wanted.weights)).toBeLessThan(1e-3);
  for (const [slot, moments] of Object.entries(wanted.state.moments)) {
    expect(maxRelativeDifference(state.moments[slot]!, moments), slot).toBeLessThan(1e-3);
  }
}

describeOnDevices(describe, await deviceStates(), 'train', (device) => {
  it.each([false, true])('trains as on the CPU, and brings the result (adapter: %s)', async (adapter) => {
    const run = runOf(device, adapter);
    const before = copyWeights(run.weights);
    expectSame(await train(run), run.weights, adapter);
    expect(maxRelativeDifference(run.weights, before)).toBeGreaterThan(0.01);
  });

  it('goes on from a state of another device', async () => {
    const first = runOf('cpu', false);
    const stop = new AbortController();
    let reached: TrainingState | undefined;
    const onStep: TrainRun<PreferenceExample>['onStep'] = ({ step }, state) => {
      reached = state;
      if (step === 3) stop.abort();
    };
    await expect(train({ ...first, onStep, signal: stop.signal })).rejects.toThrow();
    const run = { ...runOf(device, false), weights: first.weights, resume: reached };
    expectSame(await train(run), run.weights, false);
  });

  it('leaves what was reached when it is stopped', async () => {
    const run = runOf(device, false);
    const stop = new AbortController();
    const onStep: typeof run.onStep = ({ step }) => {
      if (step === 4) stop.abort(new Error('enough'));
    };
    await expect(train({ ...run, onStep, signal: stop.signal })).rejects.toThrow('enough');
    expect(maxRelativeDifference(run.weights, base)).toBeGreaterThan(0.01);
  });

  it('shares the state of the optimizer with other ranks', async () => {
    const outcomes: { state: TrainingState; weights: Weights }[] = [];
    await togetherInOneProcess(2, async (communicator) => {
      const run = runOf(device, false);
      const state = await train({ ...run, communicator, optimizerSharding: 'zero1' });
      outcomes[communicator.rank] = { state, weights: run.weights };
    });
    expectSame(outcomes[0]!.state, outcomes[0]!.weights, false);
    expect(maxRelativeDifference(outcomes[1]!.weights, outcomes[0]!.weights)).toBe(0);
  });
});

const missing = (await diagnose()).find(({ works }) => !works);
// Where every device works there is none to name.
it.skipIf(missing === undefined)('names a device that does not work here', async () => {
  await expect(train(runOf(missing!.device, false))).rejects.toMatchObject({ code: 'device-unavailable' });
});
