import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeIssues, writeDirectoryAtomic } from '@gram/base';
import { loadModel, type ModelToSave, saveModel, type Weights } from '@gram/model';
import { type Optimizer, readMoments, writeMoments } from '@gram/train';
import { z } from 'zod';
import { PpoError } from '../error.js';
import type { LearnerState } from './learner.js';
import type { PpoState } from './state.js';

/** Identity of a run in its checkpoints. */
export interface CheckpointFrame {
  /** Identifies the run; only the same run resumes. */
  readonly fingerprint: string;
  readonly optimizer: Optimizer;
  readonly policy: ModelFrame;
  readonly value?: ModelFrame;
}

/** A model to save, without its weights. */
export type ModelFrame = Omit<ModelToSave, 'weights'>;

const STATE_FILE = 'ppo.json';
const FILES = ['policy', 'value', 'policy-moments.safetensors', 'value-moments.safetensors', STATE_FILE];

const stepRecord = z.object({
  step: z.int(),
  score: z.number(),
  kl: z.number(),
  length: z.number(),
  ended: z.number(),
  policyLoss: z.number().optional(),
  valueLoss: z.number().optional(),
  approxKl: z.number().optional(),
  clipped: z.number().optional(),
  skipped: z.int(),
});

const evaluation = z.object({
  step: z.int(),
  reward: z.number(),
  heldOut: z.number().optional(),
  kl: z.number(),
  best: z.boolean(),
});

const schema = z.strictObject({
  fingerprint: z.string(),
  step: z.int().min(0),
  policyUpdates: z.int().min(0),
  valueUpdates: z.int().min(0),
  queue: z.array(z.number()),
  steps: z.array(stepRecord),
  evaluations: z.array(evaluation),
  stopped: z.enum(['steps', 'kl', 'patience']).optional(),
});

/** Writes the state of a run under a temporary name and renames it: it is there whole, or not at all. */
export async function savePpoCheckpoint(
  path: string,
  frame: CheckpointFrame,
  state: PpoState,
): Promise<void> {
  const { step, policy, value, queue, steps, evaluations, stopped } = state;
  const json: z.input<typeof schema> = {
    fingerprint: frame.fingerprint,
    step,
    policyUpdates: policy.updates,
    valueUpdates: value?.updates ?? 0,
    queue: [...queue],
    steps: [...steps],
    evaluations: [...evaluations],
    stopped,
  };
  await writeDirectoryAtomic(path, FILES, async (temporary) => {
    const save = async (name: string, model: ModelFrame, { weights, moments }: LearnerState) => {
      await saveModel(join(temporary, name), { ...model, weights });
      await writeMoments(join(temporary, `${name}-moments.safetensors`), moments);
    };
    await save('policy', frame.policy, policy);
    if (value !== undefined && frame.value !== undefined) await save('value', frame.value, value);
    await writeFile(join(temporary, STATE_FILE), JSON.stringify(json));
  });
}

/**
 * Reads a checkpoint into the state of a run that has not begun; weights and moments are written in place.
 *
 * @throws PpoError `bad-checkpoint` when its state is broken or of another run, TrainError and ModelError when moments or
 *   models are; nothing was changed then
 */
export async function loadPpoCheckpoint(
  path: string,
  { fingerprint, optimizer }: CheckpointFrame,
  state: PpoState,
): Promise<void> {
  const saved = await readState(path);
  if (saved.fingerprint !== fingerprint) {
    throw refuse(path, 'it was made with other options, prompts or first models');
  }
  const read = async (name: string, { weights }: LearnerState) => {
    const model = await loadModel(resolve(path, name));
    const moments = await readMoments(join(path, `${name}-moments.safetensors`), optimizer, weights);
    return { weights: model.weights, moments };
  };
  const policy = await read('policy', state.policy);
  if (state.value !== undefined) {
    restore(state.value, await read('value', state.value), saved.valueUpdates);
  }
  restore(state.policy, policy, saved.policyUpdates);
  state.step = saved.step;
  state.queue = saved.queue;
  state.steps.push(...saved.steps);
  state.evaluations.push(...saved.evaluations);
  state.stopped = saved.stopped;
}

async function readState(path: string): Promise<z.output<typeof schema>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(path, STATE_FILE), 'utf8'));
  } catch (cause) {
    throw refuse(path, `${STATE_FILE} is missing or broken`, cause);
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  throw refuse(path, `${STATE_FILE} is broken: ${describeIssues(error.issues)}`);
}

function refuse(path: string, problem: string, cause?: unknown): PpoError {
  return new PpoError('bad-checkpoint', `${path}: ${problem}`, 'start anew in another output', { cause });
}

function restore(
  target: LearnerState,
  { weights, moments }: Pick<LearnerState, 'weights' | 'moments'>,
  updates: number,
): void {
  copy(target.weights, weights);
  for (const [slot, arrays] of Object.entries(target.moments)) copy(arrays, moments[slot] ?? {});
  target.updates = updates;
}

/** Copies numbers in place; `readMoments` and `loadModel` have checked that all arrays are there. */
function copy(to: Weights, from: Weights): void {
  for (const [name, { data }] of Object.entries(to)) {
    const source = from[name];
    if (source !== undefined) data.set(source.data);
  }
}
