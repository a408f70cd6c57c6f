import { join } from 'node:path';
import {
  copyWeights,
  decoderHash,
  mergeToSave,
  saveAdapter,
  saveModel,
  type Weights,
  withAdapter,
} from '@gram/model';
import {
  checkpointFor,
  claimOutput,
  conductRun,
  type Fingerprint,
  fingerprintOf,
  fingerprintOfWeights,
  fingerprintsOf,
  isVacant,
  type OutputClaim,
  RunError,
  type RunHooks,
} from '@gram/run';
import { singleProcess } from '@gram/train';
import { PpoError, type PpoErrorCode } from '../error.js';
import { methodOf, type PpoOptions } from '../options.js';
import { rewardList } from '../rewards/reward-list.js';
import { rlhfSections } from '../samples/report-parts.js';
import { openSamplesLog, SAMPLES_FILE } from '../samples/samples-log.js';
import {
  type CheckpointFrame,
  loadPolicy,
  loadPpoCheckpoint,
  type ModelFrame,
  savePpoCheckpoint,
} from './checkpoint.js';
import { policyIdentity } from './policy-identity.js';
import { metricsOf, recordsOf } from './records.js';
import { writeResults } from './results.js';
import type { PpoRun, ValueModel } from './run.js';
import { isEvaluationDue, type PpoState } from './state.js';
import { ownWeights } from './trained.js';

/** Errors that come before the policy learns from a step: the state is that of the last whole step. */
const SAFE: ReadonlySet<PpoErrorCode> = new Set(['reward-failed', 'bad-reward']);

/** Takes the steps of a run from where its state is to its end. */
export type TakeSteps = (
  hooks: Pick<RunHooks<PpoState>, 'signal' | 'needsState' | 'onStep'>,
) => Promise<void>;

/**
 * Conducts a run in its output: goes on from a checkpoint, keeps new ones and the records, and writes the best policy, the
 * report and the model card. Call it before the first step: the first weights identify the run.
 *
 * @throws PpoError `output-in-use` when something is in the output and the run is not to be resumed; `bad-checkpoint`
 * @throws RunError `exists`, `unwritable`, `in-use`, `output-lost`; `bad-checkpoint`, which names the next older one that is
 *   whole; the reason of the run's signal
 */
export async function conductPpo(
  run: PpoRun & { readonly output: string },
  options: PpoOptions,
  state: PpoState,
  takeSteps: TakeSteps,
): Promise<void> {
  const { output: directory, resume = false } = run;
  if (!isVacant(directory) && resume === false) {
    throw new PpoError(
      'output-in-use',
      `${directory} is not empty`,
      'set resume to continue the run in it, or choose another output',
    );
  }
  const output = await claimOutput(directory);
  try {
    await conduct(run, options, { state, output }, takeSteps);
  } catch (cause) {
    if (cause instanceof RunError && cause.code === 'interrupted') run.signal?.throwIfAborted();
    throw cause;
  } finally {
    await output.release();
  }
}

async function conduct(
  run: PpoRun & { readonly output: string },
  options: PpoOptions,
  { state, output }: { readonly state: PpoState; readonly output: OutputClaim },
  takeSteps: TakeSteps,
): Promise<void> {
  const { resume = false, keepCheckpoints, signal, watch, onNote, onProgress } = run;
  const { communicator = singleProcess } = run;
  const frame = frameOf(run, options);
  const wanted = resume === true ? 'auto' : resume === false ? undefined : resume;
  const resumedFrom = await checkpointFor(output.path, wanted);
  if (resumedFrom !== undefined) {
    await communicator.patiently(() => resumeFrom(resumedFrom, frame, { state, options }));
  }
  const records = recordsOf(state);
  // A step whose evaluation is still to come is logged with it.
  state.history.push(...(isEvaluationDue(state, options) ? records.slice(0, -1) : records));
  const doneSteps = state.history.at(-1)?.step ?? 0;
  let earlier: Weights | undefined;
  const rewards = rewardList(run.reward);
  const { modelStep } = await conductRun<PpoState>(
    {
      metrics: metricsOf(rewards),
      sections: () => rlhfSections(state.evaluations, state.samples, rewards),
      totalSteps: options.steps,
      doneSteps,
      history: [...state.history],
      async run(hooks) {
        const samples = await openSamplesLog(join(output.path, SAMPLES_FILE), doneSteps);
        await takeSteps({
          ...hooks,
          async onStep(...step) {
            // Before the checkpoint of the step, which is written by the run.
            await samples.append(state.samples);
            await hooks.onStep(...step);
          },
        });
        return state;
      },
      save: (path) => savePpoCheckpoint(path, frame, state),
      async restore(path) {
        earlier = await loadPolicy(path, frame.policy);
      },
    },
    {
      ...{ output, label: methodOf(options) },
      ...{ signal, watch, onNote, onProgress, resumedFrom, keepCheckpoints },
      savesAfter: (cause) => cause instanceof PpoError && SAFE.has(cause.code),
      checkpointEvery: options.checkpointEvery,
      patiently: (work) => communicator.patiently(work),
      keepsLast: true,
    },
  );
  state.best = { step: modelStep, weights: earlier ?? copyWeights(state.policy.weights) };
  await communicator.patiently(async () => {
    await saveBest(output.path, run, frame.policy, state.best.weights);
    await writeResults(run, options, state, frame.policy.gram);
  });
}

/** Goes on from a checkpoint, also to more steps than the run had. @throws PpoError `bad-checkpoint` */
async function resumeFrom(
  checkpoint: string,
  frame: CheckpointFrame,
  { state, options }: { readonly state: PpoState; readonly options: PpoOptions },
): Promise<void> {
  await loadPpoCheckpoint(checkpoint, frame, state);
  if (state.step > options.steps) {
    throw new PpoError(
      'bad-checkpoint',
      `${checkpoint} has ${state.step} steps behind it, and steps is ${options.steps}`,
      `set steps to ${state.step} or more`,
    );
  }
  if (state.stopped === 'steps' && state.step < options.steps) state.stopped = undefined;
}

/** Saves the best policy; where an adapter was trained, the model with it and beside it the adapter alone. */
async function saveBest(
  directory: string,
  { policy: { weights: base } }: PpoRun,
  { adapter, config, gram, ...files }: ModelFrame,
  weights: Weights,
): Promise<void> {
  const path = join(directory, 'model');
  if (adapter === undefined) return saveModel(path, { config, gram, ...files, weights });
  const { lora, options } = adapter;
  const merged = mergeToSave(config, lora, base, weights);
  await saveModel(path, { config: withAdapter(config, { lora, weights }), gram, ...files, weights: merged });
  await saveAdapter(join(directory, 'adapter'), { lora, weights }, config, { ...options, gram, files });
}

/** Says what the checkpoints of a run belong to. */
function frameOf(run: PpoRun, options: PpoOptions): CheckpointFrame {
  const { policy, value, tokenizer, files, baseModel } = run;
  const { chat, maxLength, encoding = 'apart' } = policy.gram;
  const base = policy.adapter && decoderHash(policy.weights);
  const model = (kind: 'policy' | 'value', { config, adapter, sharesPolicy }: ValueModel) => ({
    config,
    ...(adapter &&
      !sharesPolicy && {
        adapter: {
          lora: adapter.lora,
          options: { ...(base && { base }), ...(baseModel !== undefined && { baseModel }) },
        },
      }),
    ...(sharesPolicy && { headOnly: true as const }),
    gram: {
      format: 1 as const,
      kind,
      chat,
      maxLength,
      encoding,
      training: { method: methodOf(options) },
    },
    ...files,
    tokenizerJson: tokenizer.json,
  });
  return {
    fingerprint: partsOf(run, options),
    optimizer: options.optimizer,
    policy: model('policy', policy),
    value: value && model('value', value),
  };
}

/** Identifies a run by all that it is made of, but its reward function. */
export function partsOf(run: PpoRun, options: PpoOptions): Fingerprint {
  const { policy, reference, value, validation } = run;
  return {
    ...fingerprintsOf({ ...options, optimizer: options.optimizer.name }),
    ...policyIdentity(run),
    ...(value && {
      'value architecture': fingerprintOf(value.config),
      'value weights': fingerprintOfWeights(ownWeights(value, policy)),
    }),
    ...(reference && { 'reference weights': fingerprintOfWeights(reference.weights) }),
    ...(validation && { 'validation prompts': fingerprintOf(validation) }),
  };
}
