// One piece of work on the GPU: work.mjs KIND CONFIGURATION PRECISION FOLDER DEVICE. Leaves the model and the task for PyTorch in the
// folder, and prints one line of JSON: `first`, numbers that PyTorch computes as well, and the rate.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { place } from '@gram/engine';
import { createGenerator, initWeights, saveModel } from '@gram/model';
import { ppo, valueModelFrom } from '@gram/ppo';
import { createGenerativeRewardModel } from '@gram/reward';
import {
  adamW,
  createTrainingStep,
  initMoments,
  microBatches,
  pairGeneration,
  paperSmoothing,
  preference,
} from '@gram/train';
import { configurations, fastNormal } from '../../../bench/engine/configurations.mjs';
import { trainingTask } from '../../../bench/train/tasks.mjs';

const TINY = {
  ...configurations['28m'],
  ...{ vocabSize: 256, hiddenSize: 64, intermediateSize: 96, numHiddenLayers: 2 },
  ...{ numAttentionHeads: 4, numKeyValueHeads: 2, headDim: 16 },
};
const [kind, configuration, precision, folder, device] = process.argv.slice(2);
const config = { tiny: TINY, ...configurations }[configuration];
const isTiny = configuration === 'tiny';
const weights = initWeights(config, fastNormal());
const model = join(folder, configuration);
if (!existsSync(model)) await saveModel(model, { config, weights });

const ids = (row, length) =>
  Array.from({ length }, (_, i) => 3 + ((row * 7919 + i * 104_729) % (config.vocabSize - 3)));
const leave = (task) => writeFileSync(join(folder, `${kind}-${configuration}.json`), JSON.stringify(task));
const seconds = async (run) => {
  const start = performance.now();
  const value = await run();
  return { value, seconds: (performance.now() - start) / 1000 };
};

const works = {
  'train 1': () => train(1),
  'train 2': () => train(2),
  async score() {
    const pairs = Array.from({ length: isTiny ? 4 : 64 }, (_, row) => ids(row, 256));
    const labels = [1, 2];
    leave({ pairs, labels });
    const encoder = {
      labelIds: labels,
      comparison: async ({ a }) => ({ ids: JSON.parse(a), truncated: false, neutralized: false }),
    };
    const judge = createGenerativeRewardModel({
      config,
      weights,
      encoder,
      device,
      products: precision,
      orders: 1,
    });
    const items = pairs.map((pair) => ({ prompt: '', a: JSON.stringify(pair), b: '' }));
    await judge.compare(items);
    const { value, seconds: time } = await seconds(() => judge.compare(items));
    return {
      first: value.slice(0, 4).map(({ probability }) => probability),
      rate: pairs.length / time,
      unit: 'pairs/s',
    };
  },
  async generate() {
    const count = isTiny ? 4 : 64;
    const prompts = Array.from({ length: isTiny ? 2 : 32 }, (_, row) => ids(row, 128));
    const generator = createGenerator({ config, weights, fixedWeights: true, device, products: precision });
    const requests = prompts.map((prompt) => ({ ids: prompt, decodings: [{ temperature: 0 }] }));
    const run = () => generator.generate(requests, { maxNewTokens: count, stopIds: [] });
    await run();
    const { value, seconds: time } = await seconds(run);
    const [[{ ids: written, logProbabilities }]] = value;
    leave({ prompts, count, written });
    return {
      first: logProbabilities.slice(0, 4),
      rate: (count * prompts.length) / time,
      unit: 'tokens/s',
    };
  },
  async ppo() {
    const [prompts, count] = [isTiny ? 4 : 32, isTiny ? 4 : 48];
    const drawn = [];
    const policy = { config, weights, gram: { chat: 'plain', maxLength: 512 } };
    const records = [];
    let before = performance.now();
    const times = [];
    await ppo({
      policy,
      value: valueModelFrom(policy),
      // Texts are lists of ids.
      tokenizer: { json: '{}', decode: async (tokens) => tokens.join(' ') },
      encoder: {
        endId: 0,
        prompt: async ({ prompt }) => ({ ids: JSON.parse(prompt), truncated: false, neutralized: false }),
      },
      prompts: Array.from({ length: prompts }, (_, row) => ({
        id: `p${row}`,
        prompt: JSON.stringify(ids(row, 64)),
      })),
      reward(groups) {
        drawn.push(groups.map(({ prompt, responses }) => [prompt, responses[0]]));
        return groups.map(({ responses }) => responses.map((text) => text.length % 7));
      },
      options: {
        ...{ steps: 3, maxNewTokens: count, batchSize: prompts, miniBatchSize: prompts, epochs: 1 },
        ...{ microBatchSize: Math.min(8, prompts), valueOnlySteps: 0, greedyReference: false, seed: 1 },
        sampling: { temperature: 1 },
      },
      ...{ device, precision },
      onStep(record) {
        records.push(record);
        times.push((performance.now() - before) / 1000);
        before = performance.now();
      },
    });
    const sequences = drawn[0].map(([prompt, text]) => {
      const tokens = String(prompt);
      return { prompt: JSON.parse(tokens), response: text.split(' ').filter(Boolean).map(Number) };
    });
    leave({ sequences, count, microBatchSize: Math.min(8, prompts) });
    // The first step compiles its graphs.
    return { first: [records[0].entropy], rate: prompts / Math.min(...times), unit: 'responses/s' };
  },
};

async function train(stage) {
  const task = trainingTask(stage, config, isTiny ? 1 : 6, 2);
  leave(task);
  const labelSmoothing = paperSmoothing(task.labelSmoothing, 'uniform-mix');
  const objective = stage === 1 ? pairGeneration : preference({ labels: task.labels, labelSmoothing });
  const optimizer = adamW();
  const placed = await place(weights, device);
  const moments = await place(initMoments(optimizer, weights), device);
  const step = createTrainingStep(config, objective, optimizer, placed, moments, { device, precision });
  let update = 0;
  const run = async (indices) => {
    const examples = indices.map((i) => task.examples[i]);
    const { learningRate, maxGradientNorm } = task;
    update++;
    const batches = microBatches(objective, examples, task.microBatchSize);
    return (await step.run(batches, { update, learningRate, maxGradientNorm })).loss;
  };
  const first = [];
  for (const indices of task.warmUp) first.push(await run(indices));
  // Each bucket of lengths is compiled at its first use.
  for (const indices of task.sorted) await run(indices);
  const { seconds: time } = await seconds(async () => {
    for (const indices of task.sorted) await run(indices);
  });
  const tokens = task.sorted.flat().reduce((sum, i) => sum + task.examples[i].ids.length, 0);
  return { first, rate: tokens / time, unit: 'tokens/s' };
}

console.log(JSON.stringify(await works[kind]()));
process.exit(0);
