import { compile, type DeviceName, int32, place, read } from '@gram/engine';
import { deviceStates, evaluate, maxRelativeDifference } from '@gram/engine/testing';
import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from './config/model-config.js';
import { hiddenStates } from './decoder/decoder.js';
import { labelLogits, vocabularyLogits } from './decoder/heads.js';
import type { WeightTensors } from './decoder/model-tensors.js';
import { growingPositionArrays, type PositionTables, positionDimensions } from './decoder/position-tables.js';
import { initWeights } from './init.js';

// Heads of 8, the width for which attention is one operator.
const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 50,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 3,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 512,
  tieWordEmbeddings: true,
};

let state = 99;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const weights = initWeights(config, { normal: () => 4 * (uniform() + uniform() + uniform() - 1.5) });
const ids = (count: number) => Array.from({ length: count }, () => Math.floor(uniform() * config.vocabSize));

type Inputs = { weights: WeightTensors; tokens: tf.Tensor2D };
type Polymorphic = Inputs & { tables: PositionTables };

const logits = ({ weights: w, tokens }: Inputs) => ({
  logits: vocabularyLogits(config, w, hiddenStates(config, w, tokens)),
});
const polymorphicLogits = ({ weights: w, tokens, tables }: Polymorphic) => ({
  logits: vocabularyLogits(config, w, hiddenStates(config, w, tokens, tables)),
});
const dimensions = { ...positionDimensions, tokens: ['B', 'T'], last: ['B'] };
const tablesFor = growingPositionArrays(config);

const onDevice = (device: DeviceName) => {
  it('traced, polymorphic and eager runs give the same logits', async () => {
    const traced = compile(logits, { device });
    const polymorphic = compile(polymorphicLogits, { device, dimensions });
    const placed = await place(weights, device);
    for (const [batch, length] of [
      [1, 1],
      [2, 7],
      [3, 40],
      [1, 130],
    ] as const) {
      const tokens = int32([batch, length], ids(batch * length));
      const eager = await evaluate(logits, { weights, tokens });
      const tables = tablesFor(length);
      expect(maxRelativeDifference(await traced({ weights: placed, tokens }), eager)).toBeLessThan(1e-4);
      const many = await polymorphic({ weights: placed, tokens, tables });
      expect(many.logits.shape).toEqual(eager.logits.shape);
      expect(maxRelativeDifference(many, eager)).toBeLessThan(1e-4);
    }
    // TensorFlow runs the function itself; the others have one executable for all four shapes.
    if (device !== 'tensorflow') {
      expect(traced.executables).toHaveLength(4);
      expect(polymorphic.executables).toHaveLength(1);
      expect([...polymorphic.executables[0]!.dimensions].sort()).toEqual(['B', 'T', 'maxPositions']);
    }
    for (const compiled of [traced, polymorphic]) compiled.dispose();
  });

  it('scores a sequence alone as it does in a batch, padded or not', async () => {
    const run = compile(
      (inputs: Polymorphic & { last: tf.Tensor1D }) => ({
        scores: labelLogits(config, inputs.weights, inputs.tokens, inputs.last, [7, 19], inputs.tables),
      }),
      { device, dimensions },
    );
    const sequences = Array.from({ length: 9 }, (_, i) => ids(5 + 6 * i));
    const score = async (rows: number[][], length: number) => {
      const tokens = new Int32Array(rows.length * length);
      for (const [i, row] of rows.entries()) tokens.set(row, i * length);
      const last = int32(
        [rows.length],
        rows.map((row) => row.length - 1),
      );
      const { scores } = await run({
        weights,
        tables: tablesFor(length),
        tokens: int32([rows.length, length], tokens),
        last,
      });
      return Array.from(scores.data);
    };
    const together = await score(sequences, 60);
    const alone: number[] = [];
    for (const sequence of sequences) alone.push(...(await score([sequence], sequence.length)));
    const worst = Math.max(...together.map((value, i) => Math.abs(value - alone[i]!)));
    const largest = Math.max(...together.map(Math.abs));
    // Not bit for bit: products with other numbers of rows add up in another order.
    expect(worst / largest).toBeLessThan(2e-6);
    // The same batch again is the same to the bit.
    if (device === 'cpu') expect(await score(sequences, 60)).toEqual(together);
    run.dispose();
  });
};

for (const { device, reason } of await deviceStates()) {
  if (reason === undefined) describe(`on ${device}`, () => onDevice(device));
  // No such device here, for the reason that the name gives: there is nothing to run the tests on.
  else describe.skip(`on ${device} (${reason})`, () => onDevice(device));
}

it('constants give what inputs give, and refuse other arrays', async () => {
  const fixed = compile(polymorphicLogits, { constants: ['weights'], dimensions });
  const free = compile(polymorphicLogits, { dimensions });
  const tokens = int32([2, 9], ids(18));
  const inputs = { weights, tokens, tables: tablesFor(9) };
  expect(maxRelativeDifference(await fixed(inputs), await read(await free(inputs)))).toBeLessThan(1e-5);
  const other = initWeights(config, { normal: () => 0.1 });
  await expect(fixed({ ...inputs, weights: other })).rejects.toMatchObject({ code: 'bad-state' });
  for (const compiled of [fixed, free]) compiled.dispose();
});
