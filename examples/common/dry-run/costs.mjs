import {
  adapterShapes,
  forwardFlop,
  parameterCount,
  trainingMemory,
  weightShapes,
  withHead,
} from '@gram/model';
import { bytesOfGpu, fitsOnGpu, GPU_TYPES } from '@gram/run';
import { adamW, sharesOf, totalSteps } from '@gram/train';
import { BACKBONES } from './backbones.mjs';
import { inferenceGraphs, LORA, OBJECTIVES, trainingGraph, updateGraph } from './graphs.mjs';

const PARTS = [
  { name: 'all weights', lora: undefined },
  { name: `LoRA, rank ${LORA.rank}`, lora: LORA },
];

/** Values of the named sizes of a graph, whose sizes are all numbers here. */
const FIXED = new Map();

/**
 * Builds every graph of a recipe with the true shapes of the paper's models, without weights.
 *
 * @param trained names of the objectives that the study trains
 * @returns for each model and graph its nodes and the bytes of its intermediate results
 */
export function allGraphs({ maxLength }, trained) {
  return Object.entries(BACKBONES).flatMap(([model, config]) => {
    const row = (graph, part, { graph: built, peakBytes }) => {
      return { model, graph, part, nodes: built.nodes.length, bytes: peakBytes(FIXED) };
    };
    return [
      ...trained.flatMap((name) =>
        PARTS.map(({ name: part, lora }) =>
          row(name, part, trainingGraph(config, name, { rows: 1, length: maxLength, lora })),
        ),
      ),
      ...PARTS.map(({ name: part, lora }) => row('AdamW', part, updateGraph(config, lora))),
      ...Object.entries(inferenceGraphs(config, { rows: 8, length: maxLength })).map(([name, built]) =>
        row(name, '', built),
      ),
    ];
  });
}

/**
 * Memory of one GPU that trains with float32 weights and gradient checkpointing, one sequence at a time. ZeRO-1 deals the moments
 * out to all GPUs; the share that is counted is the largest.
 *
 * @param graphs what `allGraphs` returned
 */
export function memoryPerGpu({ gpus }, graphs) {
  const trained = graphs
    .filter(({ graph }) => OBJECTIVES[graph] !== undefined)
    .map(({ model, graph, part, bytes: activations }) => {
      const { lora } = PARTS.find(({ name }) => name === part);
      const config = headed(BACKBONES[model], graph);
      const optimizer = adamW();
      const { weights, gradients } = trainingMemory(config, { lora, optimizer });
      const moments = largestShare(
        lora === undefined ? weightShapes(config) : adapterShapes(config, lora),
        gpus,
      );
      const update = graphs.find((row) => row.model === model && row.graph === 'AdamW' && row.part === part);
      const working = Math.max(activations, update.bytes);
      return { model, graph, part, weights, gradients, moments, working };
    });
  return [...trained, ...ppoTogether(trained)];
}

/**
 * Memory of one of several GPUs of each type that can be rented, and whether it is enough: for each model and objective with all weights
 * by each way of sharing, and with LoRA. The bytes of intermediate results are those of the graphs.
 */
export function fitting({ gpus }, graphs) {
  const rows = memoryPerGpu({ gpus }, graphs);
  return rows
    .filter(({ part }) => part === PARTS[0].name)
    .map(({ model, graph, working, ...bytes }) => {
      const lora = rows.find(
        (row) => row.model === model && row.graph === graph && row.part === PARTS[1].name,
      );
      const moments = 2 * bytes.gradients;
      const whole = { ...bytes, moments, activations: working, cache: 0 };
      const adapter = { ...lora, moments: 2 * lora.gradients, activations: lora.working, cache: 0 };
      const ways = ['none', 'zero1', 'zero2'].map((sharing) => bytesOfGpu(whole, sharing, gpus));
      const needed = [...ways, bytesOfGpu(adapter, 'none', gpus)];
      const types = GPU_TYPES.map((type) => ({
        name: type.name,
        fits: needed.map((each) => fitsOnGpu(each, type)),
      }));
      return { model, graph, needed, types };
    });
}

/** PPO holds four models at once: it trains policy and value model, and reads reference and judge. */
function ppoTogether(trained) {
  return trained
    .filter(({ graph }) => graph === 'PPO policy')
    .map((policy) => {
      const { model, part } = policy;
      const value = trained.find(
        (row) => row.graph === 'PPO value' && row.model === model && row.part === part,
      );
      const [gradients, moments] = ['gradients', 'moments'].map((key) => policy[key] + value[key]);
      const read = 2 * 4 * parameterCount(BACKBONES[model]);
      const working = Math.max(policy.working, value.working);
      return {
        ...{ model, graph: 'PPO, four models', part, gradients, moments, working },
        weights: policy.weights + value.weights + read,
      };
    });
}

/** Bytes of both moments of AdamW on the GPU that has most of them. */
function largestShare(shapes, gpus) {
  const arrays = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
  const shares = sharesOf(arrays, gpus, { isElementwise: true, device: 'cuda' });
  const sums = shares.map((slices) => slices.reduce((sum, { start, end }) => sum + end - start, 0));
  return 2 * 4 * Math.max(...sums);
}

/**
 * Tokens, steps and hours of each run at the stated rate. A trained token costs a forward pass, the same again for gradient
 * checkpointing, and two for the gradients, of which LoRA needs one. Responses are written at a rate of their own, which memory
 * sets.
 *
 * @param phases runs with what each reads: `passes` of an objective over a number of examples, for training or forward only
 */
export function hours({ gpus, teraflops, tokens: lengths, writtenPerSecond }, phases) {
  return Object.entries(BACKBONES).flatMap(([model, config]) =>
    phases.map(({ label, examples, options, steps, passes, written = 0 }) => {
      const planned = steps ?? totalSteps({ ...options, examples, seed: 0 });
      const perPart = PARTS.map(({ lora }) => {
        const flop = passes.reduce((sum, { objective, examples: count, isTrained }) => {
          const read = count * lengths[objective];
          const factor = isTrained ? (lora === undefined ? 4 : 3) : 1;
          return (
            sum + factor * forwardFlop(headed(config, objective), read, headRows(objective, read, count))
          );
        }, 0);
        return (flop / (teraflops * 1e12) + written / writtenPerSecond) / gpus / 3600;
      });
      const read = passes.reduce(
        (sum, { objective, examples: count }) => sum + count * lengths[objective],
        0,
      );
      return { model, label, tokens: read, steps: planned, hours: perPart };
    }),
  );
}

/** Rows at which the head runs: at the label of a judged pair, else about half of the tokens. */
function headRows(objective, tokens, examples) {
  return objective === 'preference' ? examples : tokens / 2;
}

function headed(config, objective) {
  return OBJECTIVES[objective].head === 'score' ? withHead(config, 'score') : config;
}
