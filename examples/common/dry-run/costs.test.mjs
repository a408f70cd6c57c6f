import { activationBytes, parameterCount } from '@gram/model';
import { expect, it } from 'vitest';
import { BACKBONES } from './backbones.mjs';
import { fitting, hours, memoryPerGpu } from './costs.mjs';
import { inferenceGraphs, LORA, trainingGraph, updateGraph } from './graphs.mjs';

const shapesOf = (graph, start) =>
  Object.fromEntries(
    graph.inputs.filter(({ name }) => name.startsWith(start)).map(({ name, shape }) => [name, shape]),
  );

it('has the models of the paper', () => {
  // Their model cards give 8.03 and 3.21 billion parameters.
  expect(parameterCount(BACKBONES['Llama-3.1-8B'])).toBe(8_030_261_248);
  expect(parameterCount(BACKBONES['Llama-3.2-3B'])).toBe(3_212_749_824);
});

it('builds a graph with the true shapes, which gives a gradient of every weight and no other', () => {
  const config = BACKBONES['Llama-3.2-3B'];
  const { graph, peakBytes } = trainingGraph(config, 'preference', { rows: 1, length: 2048, lora: LORA });
  const frozen = shapesOf(graph, 'frozen/');
  expect(frozen['frozen/model.layers.27.mlp.down_proj.weight']).toEqual([3072, 8192]);
  const inputs = shapesOf(graph, 'weights/');
  expect(Object.keys(inputs)).toHaveLength(28 * 4 * 2);
  const gradients = graph.outputs.filter(({ name }) => name.includes('gradients'));
  expect(gradients.map(({ shape }) => shape).sort()).toEqual(Object.values(inputs).sort());
  expect(shapesOf(graph, 'batch/')['batch/tokens']).toEqual([1, 2048]);
  // The formula does not know how many results of one layer live at once, so it is right within a factor of two.
  const expected = activationBytes(config, 1, 2048, { gradientCheckpointing: true });
  const bytes = peakBytes(new Map());
  expect(bytes / expected).toBeGreaterThan(0.5);
  expect(bytes / expected).toBeLessThan(2);
});

const tiny = {
  ...BACKBONES['Llama-3.2-3B'],
  ...{ vocabSize: 64, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2 },
  ...{ numAttentionHeads: 4, numKeyValueHeads: 2, headDim: 4 },
};

it.each(['pair generation', 'Bradley-Terry', 'supervised fine-tuning', 'PPO policy', 'PPO value'])(
  'builds the graph of %s',
  (name) => {
    const { graph } = trainingGraph(tiny, name, { rows: 2, length: 8 });
    expect(graph.outputs.some(({ shape }) => shape.length === 0)).toBe(true);
    expect(graph.outputs.length).toBeGreaterThan(2 * 9);
  },
);

it('builds the graphs of an update and of use', () => {
  const { inputs, outputs } = updateGraph(tiny).graph;
  expect(outputs).toHaveLength(inputs.filter(({ name }) => /^(weights|moments)/.test(name)).length);
  const used = inferenceGraphs(tiny, { rows: 3, length: 8 });
  const logits = ({ graph }) => graph.outputs.find(({ name }) => name.endsWith('logits')).shape;
  expect(logits(used['judge a pair'])).toEqual([2, 2]);
  expect(logits(used['read prompts'])).toEqual([3, 64]);
  expect(logits(used['write a token'])).toEqual([3, 64]);
});

it('says what fits on 8 GPUs of 80 GB: 3B in every way, 8B with ZeRO-1 and with LoRA', () => {
  const rows = Object.keys(BACKBONES).flatMap((model) =>
    ['preference', 'AdamW'].flatMap((graph) =>
      ['all weights', `LoRA, rank ${LORA.rank}`].map((part) => ({ model, graph, part, bytes: 3e9 })),
    ),
  );
  const found = Object.fromEntries(fitting({ gpus: 8 }, rows).map((row) => [row.model, row]));
  const fits = (model, name) => found[model].types.find((type) => type.name === name).fits;
  expect(fits('Llama-3.2-3B', 'H100 80 GB')).toEqual([true, true, true, true]);
  expect(fits('Llama-3.1-8B', 'H100 80 GB')).toEqual([false, true, false, true]);
  expect(fits('Llama-3.1-8B', 'A100 40 GB')).toEqual([false, false, false, true]);
  expect(fits('Llama-3.1-8B', 'RTX 4090 24 GB')).toEqual([false, false, false, false]);
  // 4 bytes of weight and of gradient each, 8 of moments, whole or an eighth, and what is stated for the graph.
  const each = 8_030_261_248;
  const [whole, zero1, zero2] = found['Llama-3.1-8B'].needed;
  expect(whole).toBe(16 * each + 3e9);
  expect(zero1).toBe(9 * each + 3e9);
  expect(zero2).toBe(9.5 * each + 3e9);
});

it('counts memory and hours as stated', () => {
  const rows = ['preference', 'AdamW'].map((graph) => {
    return { model: 'Llama-3.1-8B', graph, part: 'all weights', bytes: 5 };
  });
  const [{ weights, gradients, moments, working }] = memoryPerGpu({ gpus: 8 }, rows);
  expect([weights, gradients, working]).toEqual([4 * 8_030_261_248, 4 * 8_030_261_248, 5]);
  // An eighth of both moments, but for what whole arrays cannot be divided into.
  expect(moments / ((8 * 8_030_261_248) / 8)).toBeCloseTo(1, 1);
  const machine = { gpus: 4, teraflops: 100, writtenPerSecond: 10, tokens: { preference: 1000 } };
  const run = (isTrained) => ({
    ...{ label: 'run', steps: 1, written: 36_000 },
    passes: [{ objective: 'preference', examples: 1000, isTrained }],
  });
  const [trained, read] = [true, false].map((isTrained) => hours(machine, [run(isTrained)])[0]);
  expect(trained.tokens).toBe(1e6);
  // One hour of writing among four machines; a million tokens of seven billion weights of matrices, two operations each.
  const reading = read.hours[0] - 0.25;
  expect(reading * 3600 * 4 * 1e14).toBeCloseTo(2 * 6_979_321_856e6 + 2 * 1000 * 4096 * 128_256, -12);
  expect((trained.hours[0] - 0.25) / reading).toBeCloseTo(4, 6);
  expect((trained.hours[1] - 0.25) / reading).toBeCloseTo(3, 6);
});
