import { sizeOf } from '@gram/engine';
import {
  activationBytes,
  adapterShapes,
  bytesPerToken,
  cacheBytes,
  forwardFlop,
  type LoraConfig,
  PROJECTIONS,
  parameterCount,
  trainingMemory,
  type Weights,
} from '@gram/model';
import { describeGpus, type GpuLoad } from '@gram/run';
import { gradientGroupBytes, type Optimizer } from '@gram/train';
import type { ModelParts } from '../run/run.js';
import { ownWeights, trainedWeights } from '../run/trained.js';
import type { PreparedRlhf } from './prepare.js';

const USUAL_ADAPTER: LoraConfig = { rank: 16, alpha: 32, targets: PROJECTIONS };

/** Positions of the texts that a generator writes together. */
const CACHE_POSITIONS = 16_384;

/** Bytes of a number. */
const BYTES = 4;

/** The parts of a prepared run that decide what it takes. */
export type RlhfPlan = Pick<PreparedRlhf, 'options' | 'longestPrompt'> & {
  readonly run: Pick<PreparedRlhf['run'], 'value' | 'reference'> & { readonly policy: ModelParts };
  readonly prompts: Pick<PreparedRlhf['prompts'], 'lengths'>;
};

/**
 * Says in lines what GPUs that can be rented would hold of a run of RLHF, and how long it would take there, but for its rewards; see
 * `describeGpus` for what is assumed. Responses are taken to be as long as they may.
 *
 * @param counts numbers of GPUs of a machine. @default 1 and 8
 */
export function describeRlhfOnGpus(prepared: PreparedRlhf, counts?: readonly number[]): string[] {
  const { whole, adapter } = loadsOfRlhf(prepared);
  const other = whole === undefined ? '' : ', and LoRA is an estimate of what it would take';
  return [
    `GPUs: policy, value model and reference; rewards come on top${other}`,
    ...describeGpus({
      ...{ whole, adapter },
      precision: prepared.run.precision ?? 'float32',
      // Learners deal out neither moments nor gradients.
      sharings: ['none'],
      ...(counts && { counts }),
    }),
  ];
}

/**
 * Estimates the memory and the work of one GPU. A run whose policy is an adapter has no other load. One that trains all weights has beside it
 * that of a usual adapter, under which policy, value model and reference have one model in memory.
 */
export function loadsOfRlhf(plan: RlhfPlan): { readonly whole?: GpuLoad; readonly adapter: GpuLoad } {
  const { run, options } = plan;
  const { policy, value, reference } = run;
  const models = value === undefined ? [policy] : [policy, value];
  const trained = models.map(trainedWeights);
  const own = value === undefined ? {} : ownWeights(value, policy);
  const start = policy.adapter === undefined && options.reference === 'start' ? policy.weights : {};
  const arrays = [policy.weights, policy.adapter?.weights ?? {}, own, reference?.weights ?? start];
  const headOnly = value?.sharesPolicy === true;
  const load: GpuLoad = {
    weights: BYTES * sum(arrays.map(valuesOf)),
    gradients: BYTES * sum(trained.map(valuesOf)),
    moments: BYTES * sum(trained.map((weights) => momentValues(weights, options.optimizer))),
    ...workOf(plan, {
      trainsAdapter: policy.adapter !== undefined,
      groups: trained.map(gradientGroupBytes),
    }),
  };
  if (policy.adapter !== undefined) return { adapter: load };
  const usual = trainingMemory(policy.config, { lora: USUAL_ADAPTER, optimizer: options.optimizer });
  const adapters = headOnly ? 1 : models.length;
  const shapes = Object.entries(adapterShapes(policy.config, USUAL_ADAPTER));
  const groups = gradientGroupBytes(Object.fromEntries(shapes.map(([name, shape]) => [name, { shape }])));
  const base = BYTES * parameterCount(policy.config);
  const adapter: GpuLoad = {
    weights: base + adapters * (usual.weights - base) + BYTES * valuesOf(reference?.weights ?? {}),
    gradients: adapters * usual.gradients,
    moments: adapters * usual.moments,
    ...workOf(plan, { trainsAdapter: true, groups: Array.from({ length: adapters }, () => groups) }),
  };
  return { whole: load, adapter };
}

/**
 * The part of a load that does not follow from the arrays that are trained.
 *
 * @param groups bytes of the groups of gradients of the policy, and of the value model
 */
function workOf(
  { run, options, prompts, longestPrompt }: RlhfPlan,
  { trainsAdapter, groups }: { readonly trainsAdapter: boolean; readonly groups: readonly number[][] },
): Omit<GpuLoad, 'weights' | 'gradients' | 'moments'> {
  const { config } = run.policy;
  const { value } = run;
  const prompt = prompts.lengths.reduce((most, length) => Math.max(most, length), 1);
  const length = Math.min(prompt, longestPrompt) + options.maxNewTokens;
  const rows = options.microBatchSize ?? options.miniBatchSize;
  const collected = options.batchSize * options.samplesPerPrompt;
  const responses = options.steps * collected;
  // The head runs at the response tokens.
  const once = forwardFlop(config, responses * length, responses * options.maxNewTokens);
  const together = Math.max(1, Math.floor(CACHE_POSITIONS / length));
  // A backward pass takes two forward passes, of which an adapter leaves one out, and a head alone both.
  const backward = (trainsAdapter ? 1 : 2) * options.epochs * once;
  const sums = groups.map((bytes, i) => ({
    groups: bytes,
    steps: options.steps * options.epochs * Math.ceil(collected / options.miniBatchSize),
    examples: options.miniBatchSize,
    rows,
    flop: i > 0 && value?.sharesPolicy ? 0 : backward,
  }));
  // Value model and reference measure once, and all that learns reads before each backward pass.
  const models = value === undefined ? 1 : 2;
  const measured = models - 1 + (options.reference === 'none' ? 0 : 1);
  return {
    activations: activationBytes(config, rows, length),
    cache: cacheBytes(config, CACHE_POSITIONS),
    flop: (measured + models * options.epochs) * once + sum(sums.map(({ flop }) => flop)),
    written: Math.ceil(responses / together) * options.maxNewTokens * bytesPerToken(config),
    sums,
  };
}

const valuesOf = (weights: Weights) => sum(Object.values(weights).map(({ shape }) => sizeOf(shape)));

/** Counts the numbers that an optimizer remembers of weights. */
function momentValues(weights: Weights, { slots }: Optimizer): number {
  const shapes = Object.values(weights).flatMap(({ shape }) => Object.values(slots(shape)));
  return sum(shapes.map(sizeOf));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
