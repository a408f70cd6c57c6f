/**
 * Trains a model for a few steps, in a process of its own so that its peak of memory is its own:
 *
 *     node bench/train/case.mjs MODEL TASK.json
 *
 * Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { loadModel } from '@gram/model';
import {
  adamW,
  createTrainingStep,
  initMoments,
  microBatches,
  pairGeneration,
  paperSmoothing,
  preference,
} from '@gram/train';

const [path, taskPath] = process.argv.slice(2);
const task = JSON.parse(readFileSync(taskPath, 'utf8'));
const { config, weights } = await loadModel(path);
const labelSmoothing = paperSmoothing(task.labelSmoothing, 'uniform-mix');
const objective = task.stage === 1 ? pairGeneration : preference({ labels: task.labels, labelSmoothing });
const optimizer = adamW();
const step = createTrainingStep(config, objective, optimizer, weights, initMoments(optimizer, weights));

const { learningRate, maxGradientNorm } = task;
let [update, real, computed] = [0, 0, 0];
async function run(indices) {
  update++;
  const chosen = indices.map((i) => task.examples[i]);
  const batches = microBatches(objective, chosen, task.microBatchSize);
  const { loss } = await step.run(batches, { update, learningRate, maxGradientNorm });
  real += chosen.reduce((sum, { ids }) => sum + ids.length, 0);
  computed += batches.reduce((sum, { tokens }) => sum + tokens.data.length, 0);
  return loss;
}

const losses = [];
for (const indices of task.warmUp) losses.push(await run(indices));
// Graphs are compiled for each bucket of lengths at its first use. A long run does that once and uses them many times,
// so the steps are done once before they are measured.
for (const indices of task.sorted) await run(indices);
const graphs = step.executables.length;
const compileSeconds = step.executables.reduce((sum, { seconds }) => sum + seconds.trace + seconds.create, 0);

real = 0;
computed = 0;
const start = performance.now();
for (const indices of task.sorted) await run(indices);
const seconds = (performance.now() - start) / 1000;
step.dispose();
const peakMemory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ seconds, real, computed, losses, graphs, compileSeconds, peakMemory }));
