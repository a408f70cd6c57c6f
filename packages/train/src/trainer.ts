import { createHash } from 'node:crypto';
import type { NDArray } from '@gram/engine';
import type { ModelConfig, Weights } from '@gram/model';
import { epochBatches, totalSteps } from './batches.js';
import type { StepRecord, TrainingState } from './checkpoint.js';
import { TrainError } from './error.js';
import type { Objective } from './objectives/objective.js';
import { adamW } from './optimizers/adamw.js';
import { initMoments, type Optimizer } from './optimizers/optimizer.js';
import { learningRateAt, type ScheduleName } from './schedule.js';
import { type TrainedPart, wholeModel } from './trained-part.js';
import { createTrainingStep } from './training-step.js';

/** Hyper-parameters of a run. */
export interface TrainOptions {
  /** Highest learning rate. */
  readonly learningRate: number;
  /** @default adamW() */
  readonly optimizer?: Optimizer;
  /** How the learning rate falls after the warm-up. @default 'cosine' */
  readonly schedule?: ScheduleName;
  /** Examples per optimizer step. */
  readonly batchSize: number;
  /** Examples per micro-batch; a step adds up as many as it needs. @default batchSize */
  readonly microBatchSize?: number;
  /** @default 1 */
  readonly epochs?: number;
  /** Share of the steps that warm up. @default 0.1 */
  readonly warmupRatio?: number;
  /** Largest global norm of the gradient. @default 1 */
  readonly maxGradientNorm?: number;
  /** Orders the data. @default 0 */
  readonly seed?: number;
}

/** A run: what is trained, on what, and who watches. */
export interface TrainRun<Example> {
  readonly config: ModelConfig;
  /** Updated in place. */
  readonly weights: Weights;
  /** What `weights` are of the model: all of it, or an adapter, see `adapterPart`. @default wholeModel */
  readonly part?: TrainedPart;
  readonly objective: Objective<Example>;
  readonly examples: readonly Example[];
  readonly options: TrainOptions;
  /** Where an earlier run stopped; its weights must be the ones given. */
  readonly resume?: TrainingState;
  /** Called after each step, with the state that a checkpoint needs. */
  readonly onStep?: (record: StepRecord, state: TrainingState, total: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Sequence lengths are rounded up to a multiple of this, so that few graphs are compiled. */
const lengthBucket = 16;

/** Steps in a row without a finite gradient after which a run is given up. */
const maxSkipped = 5;

/**
 * Trains a model, one optimizer step after the other, and returns its final state.
 *
 * The run is a function of its options and data: a resumed run computes what an uninterrupted one
 * would have, bit by bit.
 *
 * @throws TrainError `no-data`, `diverged` (weights are those of the last finite step) or
 *   `bad-checkpoint` when `resume` belongs to another run.
 */
export async function train<Example>(run: TrainRun<Example>): Promise<TrainingState> {
  const { config, weights, part = wholeModel, objective, examples, options, resume } = run;
  if (examples.length === 0) {
    throw new TrainError(
      'no-data',
      'there are no examples to train on',
      'check the data file and its filters',
    );
  }
  const { batchSize, epochs = 1, seed = 0, maxGradientNorm = 1, microBatchSize = batchSize } = options;
  const plan = { examples: examples.length, batchSize, epochs, seed };
  const total = totalSteps(plan);
  const fingerprint = fingerprintOf(run);
  if (resume !== undefined && resume.fingerprint !== fingerprint) {
    throw new TrainError(
      'bad-checkpoint',
      'the checkpoint was made with other data, options or architecture',
      'resume with the configuration that started the run, or start anew in another directory',
    );
  }
  const optimizer = options.optimizer ?? adamW();
  const moments = resume?.moments ?? initMoments(optimizer, weights);
  const history: StepRecord[] = [...(resume?.history ?? [])];
  let skipped = resume?.skipped ?? 0;
  let skippedInARow = 0;
  let step = resume?.step ?? 0;
  const stepsPerEpoch = total / epochs;
  const trainingStep = createTrainingStep(config, objective, optimizer, weights, moments, { part });
  const state = (): TrainingState => ({ step, skipped, moments, history, fingerprint });
  try {
    for (let epoch = Math.floor(step / stepsPerEpoch); epoch < epochs; epoch++) {
      const batches = epochBatches(plan, epoch, (i) => objective.length(examples[i]!));
      for (const indices of batches.slice(step - epoch * stepsPerEpoch)) {
        run.signal?.throwIfAborted();
        const chosen = indices.map((i) => examples[i]!);
        const learningRate = learningRateAt({ ...options, totalSteps: total }, step);
        const result = await trainingStep.run(microBatches(objective, chosen, microBatchSize), {
          update: step + 1 - skipped,
          learningRate,
          maxGradientNorm,
        });
        step++;
        skipped += result.applied ? 0 : 1;
        skippedInARow = result.applied ? 0 : skippedInARow + 1;
        if (skippedInARow >= maxSkipped) {
          throw new TrainError(
            'diverged',
            `loss or gradient was not finite in ${maxSkipped} steps in a row, the last being step ${step}`,
            'lower the learning rate or raise the warm-up; the last checkpoint is intact',
          );
        }
        const tokens = chosen.reduce((sum, example) => sum + objective.length(example), 0);
        const { loss, metrics, gradientNorm } = result;
        const record = { step, loss, ...metrics, gradientNorm, learningRate, tokens };
        history.push(record);
        await run.onStep?.(record, state(), total);
      }
    }
  } finally {
    trainingStep.dispose();
  }
  return state();
}

/**
 * The arrays of one optimizer step, in micro-batches of at most `size` examples. Their weights sum to 1 over all of them;
 * lengths are rounded up to a multiple of 16.
 */
export function microBatches<Example>(
  objective: Objective<Example>,
  examples: readonly Example[],
  size: number,
): Readonly<Record<string, NDArray>>[] {
  const total = examples.reduce((sum, example) => sum + objective.weight(example), 0);
  const batches = [];
  for (let i = 0; i < examples.length; i += size) {
    const part = examples.slice(i, i + size);
    const longest = Math.max(...part.map((example) => objective.length(example)));
    const length = Math.ceil(longest / lengthBucket) * lengthBucket;
    batches.push(objective.batch(part, size, length, total));
  }
  return batches;
}

/** Identifies a run by its objective, data, options and architecture, not by its progress. */
function fingerprintOf<Example>({
  config,
  part = wholeModel,
  objective,
  examples,
  options,
}: TrainRun<Example>): string {
  // By name, so that the order in which somebody wrote the keys does not matter.
  const sorted = (record: object) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const named = { ...options, optimizer: (options.optimizer ?? adamW()).name };
  const run = [objective.name, part.name, sorted(config), sorted(named)];
  const hash = createHash('sha256').update(JSON.stringify(run));
  for (const example of examples) hash.update(JSON.stringify(example));
  return hash.digest('hex');
}
