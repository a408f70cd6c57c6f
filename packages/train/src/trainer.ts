import { type DeviceName, fastestDevice, type Precision } from '@gram/engine';
import type { ModelConfig, Weights } from '@gram/model';
import { differingParts, type Fingerprint } from '@gram/run';
import { batchStream, type StepBatch } from './batches/batch-stream.js';
import { totalSteps } from './batches/epoch-batches.js';
import type { TrainingState } from './checkpoint.js';
import { type Communicator, singleProcess } from './distributed/communicator.js';
import type { OptimizerSharding } from './distributed/data-parallel.js';
import { checkSameRun, copyProgress } from './distributed/shared-state.js';
import { TrainError } from './error.js';
import { type ExampleInput, type ExampleSource, sourceOf } from './examples/source.js';
import { identityOf } from './identity.js';
import type { Objective } from './objectives/objective.js';
import { type TrainedPart, wholeModel } from './parts/trained-part.js';
import { lossScaleAfter } from './steps/loss-scale.js';
import { joinRun, type RunState } from './steps/run-state.js';
import { learningRateAt } from './steps/schedule.js';
import { createTrainingStep, type StepResult } from './steps/training-step.js';
import { createValidation } from './steps/validation.js';
import { checkedOptions, type TrainOptions, type TrainSettings } from './train-options.js';
import type { TrainingRecord } from './training-record.js';

/** A run: what is trained, on what, and who watches. */
export interface TrainRun<Example> {
  readonly config: ModelConfig;
  /** Updated in place; while a device other than `cpu` keeps them, when `needsState` says so and at the end. */
  readonly weights: Weights;
  /** The part of the model that `weights` are: all of it, or an adapter, see `adapterPart`. @default wholeModel */
  readonly part?: TrainedPart;
  readonly objective: Objective<Example>;
  /** In memory, or read when they are needed. */
  readonly examples: ExampleInput<Example>;
  readonly options: TrainOptions;
  /** Examples that are not trained on, and the steps after which they are measured, beside the last one. */
  readonly validation?: { readonly examples: ExampleInput<Example>; due(step: number): boolean };
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto';
  /**
   * Element type of matrix products: `bfloat16` on `cuda`, `float16` on `cuda` and `webgpu`, with a scaled loss. Weights, gradients and
   * moments are float32. @default 'float32'
   */
  readonly precision?: Precision;
  /** Keeps the inputs of each layer only, and computes the layer again for its gradient. @default false */
  readonly gradientCheckpointing?: boolean;
  /** Where an earlier run stopped; its weights must be the ones given. Of several ranks only the first needs it. */
  readonly resume?: TrainingState;
  /**
   * Ranks that train together, each of which makes this call with the same run. The weights are those of rank 0. The
   * steps are those of one process up to rounding, whatever the number of ranks. @default singleProcess
   */
  readonly communicator?: Communicator;
  /** @default 'none' */
  readonly optimizerSharding?: OptimizerSharding;
  /** Hashes of what the run is made of beside its arguments, by name, such as the tokenizer. @default nothing */
  readonly identity?: Fingerprint;
  /**
   * Whether `onStep` looks at weights or moments after this step: those that a device or other ranks keep are brought only
   * then. The same on all ranks. They are also brought when the run ends or is stopped by `signal`. @default after every step
   */
  readonly needsState?: (step: number) => boolean;
  /** Called after each step, with the state that a checkpoint needs. Of several ranks the first calls it. */
  readonly onStep?: (record: TrainingRecord, state: TrainingState, total: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** Steps in a row without a finite gradient after which a run is given up. */
const MAX_SKIPPED = 5;

/**
 * Trains a model, one optimizer step after the other, and returns its final state.
 *
 * The run is a function of its options and data: a resumed run computes what an uninterrupted one
 * would have, bit by bit. With several ranks this holds for the same number of ranks; with another number sums are
 * rounded differently. The state is whole on rank 0; with `zero1` and `zero2` other ranks have the moments of their
 * share.
 *
 * @throws TrainError `bad-option` where an option is none or has a bad value; `no-data`, `diverged` (weights are those of the last finite step) or
 *   `bad-checkpoint` when `resume` belongs to another run; `bad-config` when ranks were given different runs. The reason
 *   of `signal` on the rank whose signal was aborted, an AbortError on the others.
 * @example
 * ```ts
 * const objective = preference({ labels: encoder.labelIds });
 * const options = { learningRate: 3e-3, batchSize: 8 };
 * const { history } = await train({ config, weights, objective, examples, options });
 * ```
 */
export async function train<Example>(run: TrainRun<Example>): Promise<TrainingState> {
  const { objective, precision = 'float32' } = run;
  // The device decides whether arrays can be cut.
  const device = run.device === 'auto' ? await fastestDevice() : (run.device ?? 'cpu');
  const { communicator = singleProcess, needsState = () => true } = run;
  const options = checkedOptions(run.options);
  const source = sourceOf(run.examples, objective);
  const heldOut = run.validation && sourceOf(run.validation.examples, objective);
  const plan = planOf(options, countExamples(source), communicator);
  const total = totalSteps(plan);
  const identity = identityOf({ ...run, examples: source, heldOut, options });
  const resume = await resumedProgress({ ...run, device }, { identity, total, communicator });
  const shared = await joinRun({
    weights: run.weights,
    part: run.part ?? wholeModel,
    optimizer: plan.optimizer,
    resumed: resume !== undefined,
    resume: run.resume,
    device,
    communicator,
    sharding: run.optimizerSharding ?? 'none',
  });
  const work = compileWork({ ...run, device }, plan, shared, heldOut);
  const progress = createProgress(resume);
  const fixed = { moments: shared.collected, fingerprint: identity };
  const state = (): TrainingState => ({ ...progress.current(), ...fixed });
  const { rank, size } = communicator;
  const from = { position: progress.step, microBatchSize: plan.microBatchSize, rank, size };
  try {
    for await (const batch of batchStream(plan, objective, source, from)) {
      await stopTogether(communicator, run.signal, shared.collect);
      const learningRate = learningRateAt({ ...options, totalSteps: total }, progress.step);
      const lossScale = precision === 'float16' ? lossScaleAfter(progress.history) : 1;
      const result = await work.step(batch, progress.updates, learningRate, lossScale);
      if (progress.count(result, lossScale)) {
        await shared.collect();
        throw diverged(progress.step);
      }
      const { step } = progress;
      const { tokens } = batch;
      const { loss, metrics, gradientNorm } = result;
      const due = step === total || run.validation?.due(step);
      const record: TrainingRecord = {
        ...{ step, loss, ...metrics, gradientNorm, learningRate, tokens },
        ...(due && work.validation && { validation: await work.validation.run(shared.weights) }),
      };
      progress.history.push(record);
      if (needsState(step)) await shared.collect();
      if (rank === 0) await communicator.patiently(() => run.onStep?.(record, state(), total));
    }
    await shared.collect();
  } finally {
    work.dispose();
    shared.dispose();
  }
  return state();
}

function countExamples({ count }: ExampleSource<unknown>): number {
  if (count > 0) return count;
  throw new TrainError('no-data', 'there are no examples to train on', 'check the data file and its filters');
}

/** The settings of a run, and what follows from them for its data and its ranks. */
function planOf(options: TrainSettings, examples: number, communicator: Communicator) {
  const { batchSize } = options;
  // Every rank gets some.
  const evenShare = Math.ceil(batchSize / communicator.size);
  return { ...options, examples, microBatchSize: Math.min(options.microBatchSize ?? batchSize, evenShare) };
}

/**
 * Checks that all ranks are in the same run, and gives all of them what rank 0 resumes from. Only how long it lasts may have
 * changed, so that a run can be extended.
 */
async function resumedProgress(
  run: Pick<TrainRun<never>, 'resume' | 'optimizerSharding' | 'precision' | 'device'>,
  {
    identity,
    total,
    communicator,
  }: { readonly identity: Fingerprint; readonly total: number; readonly communicator: Communicator },
): Promise<Omit<TrainingState, 'moments'> | undefined> {
  const { optimizerSharding: sharding = 'none', precision = 'float32', device = 'cpu' } = run;
  await checkSameRun(communicator, {
    ...identity,
    sharding,
    precision,
    ...(sharding !== 'none' && { device }),
  });
  const resume = await copyProgress(communicator, run.resume);
  if (resume === undefined) return undefined;
  const other = differingParts(resume.fingerprint, identity).filter((part) => part !== 'epochs');
  if (other.length > 0) {
    throw new TrainError(
      'bad-checkpoint',
      `the checkpoint is of another run: ${other.join(', ')} differ`,
      'resume with what started the run, or start anew in another directory',
    );
  }
  if (resume.step <= total) return resume;
  throw new TrainError(
    'bad-checkpoint',
    `the checkpoint has ${resume.step} steps behind it, and the run has ${total}`,
    'give it as many epochs as before, or more',
  );
}

/** Compiles the step of a run and, where examples are held out, their measurement. */
function compileWork<Example>(
  run: TrainRun<Example>,
  plan: ReturnType<typeof planOf>,
  shared: RunState,
  heldOut: ExampleSource<Example> | undefined,
) {
  const { config, objective, device, precision, gradientCheckpointing, optimizerSharding } = run;
  const { communicator = singleProcess } = run;
  const { maxGradientNorm, microBatchSize } = plan;
  const { part } = shared;
  const step = createTrainingStep(config, objective, plan.optimizer, shared.weights, shared.moments, {
    part,
    device,
    precision,
    gradientCheckpointing,
    communicator,
    optimizerSharding,
  });
  const validation =
    heldOut &&
    createValidation(config, objective, heldOut, {
      part,
      microBatchSize,
      device,
      precision,
      communicator,
    });
  return {
    step: ({ arrays }: StepBatch, update: number, learningRate: number, lossScale: number) =>
      step.run(arrays, {
        update,
        learningRate,
        maxGradientNorm,
        lossScale,
      }),
    validation,
    dispose() {
      step.dispose();
      validation?.dispose();
    },
  };
}

/** Counts the steps of a run and those that were skipped. */
function createProgress(resume: Omit<TrainingState, 'moments'> | undefined) {
  const history: TrainingRecord[] = [...(resume?.history ?? [])];
  let step = resume?.step ?? 0;
  let skipped = resume?.skipped ?? 0;
  let skippedInARow = 0;
  return {
    history,
    get step() {
      return step;
    },
    /** Number of the next update; a step that is skipped is none. */
    get updates() {
      return step + 1 - skipped;
    },
    current: () => ({ step, skipped, history }),
    /** Counts a step; true when too many were skipped in a row. */
    count({ applied, loss }: Pick<StepResult, 'applied' | 'loss'>, lossScale: number): boolean {
      step++;
      skipped += applied ? 0 : 1;
      // A finite loss whose scaled gradient overflowed is tried with a smaller scale.
      const tooScaled = lossScale > 1 && Number.isFinite(loss);
      if (applied) skippedInARow = 0;
      else if (!tooScaled) skippedInARow++;
      return skippedInARow >= MAX_SKIPPED;
    },
  };
}

function diverged(step: number): TrainError {
  return new TrainError(
    'diverged',
    `loss or gradient was not finite in ${MAX_SKIPPED} steps in a row, the last being step ${step}`,
    'lower the learning rate or raise the warm-up',
  );
}

/** Stops all ranks at the same step when one of them was told to, with a state that can be saved. */
async function stopTogether(
  communicator: Communicator,
  signal: AbortSignal | undefined,
  collect: () => Promise<void>,
): Promise<void> {
  let reason: unknown;
  try {
    signal?.throwIfAborted();
  } catch (aborted) {
    reason = aborted ?? new DOMException('the run was stopped', 'AbortError');
  }
  const told = Float32Array.of(reason === undefined ? 0 : 1);
  await communicator.allReduceSum(told);
  if (told[0] === 0) return;
  await collect();
  throw reason ?? new DOMException('another rank was told to stop', 'AbortError');
}
