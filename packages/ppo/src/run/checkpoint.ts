import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeIssues } from '@gram/base';
import {
  type GramMetadata,
  type LoraConfig,
  loadAdapter,
  loadModel,
  type ModelToSave,
  readSafetensors,
  type SaveAdapterOptions,
  saveAdapter,
  saveModel,
  type Weights,
  writeSafetensors,
} from '@gram/model';
import {
  brokenCheckpoint,
  checkFiles,
  checkFinite,
  checkProgress,
  differingParts,
  type Fingerprint,
  readPart,
  writeCheckpoint,
} from '@gram/run';
import { type Optimizer, readMoments, writeMoments } from '@gram/train';
import { z } from 'zod';
import { PpoError } from '../error.js';
import type { LearnerState } from '../learning/learner.js';
import { recordsOf } from './records.js';
import type { PpoState } from './state.js';

/** Identity of a run in its checkpoints. */
export interface CheckpointFrame {
  /** Identifies the run, part by part; only the same run resumes. */
  readonly fingerprint: Fingerprint;
  readonly optimizer: Optimizer;
  readonly policy: ModelFrame;
  readonly value?: ModelFrame;
}

/** A model to save, without its weights. */
export type ModelFrame = Omit<ModelToSave, 'weights'> & {
  readonly gram: GramMetadata;
  /** The adapter that is trained: it is saved, and the model under it is not. @default the whole model is */
  readonly adapter?: { readonly lora: LoraConfig; readonly options: SaveAdapterOptions };
  /** Whether the head alone is trained and saved. @default false */
  readonly headOnly?: true;
};

const STATE_FILE = 'ppo.json';
const FILES = [
  'policy',
  'value',
  'value-head.safetensors',
  'policy-moments.safetensors',
  'value-moments.safetensors',
  STATE_FILE,
];

// Keys stand in the order in which a step makes its record, so that a resumed run writes the same bytes.
const stepRecord = z.object({
  step: z.int(),
  score: z.number().optional(),
  rewards: z.record(z.string(), z.number()),
  unrewarded: z.int(),
  failed: z.int(),
  failedCalls: z.int(),
  varied: z.number().optional(),
  tokens: z.number(),
  length: z.number(),
  ended: z.number(),
  truncated: z.int(),
  neutralized: z.int(),
  truncatedPrompts: z.int(),
  neutralizedPrompts: z.int(),
  kl: z.number().optional(),
  klWeight: z.number().optional(),
  importance: z
    .object({
      mean: z.number(),
      least: z.number(),
      most: z.number(),
      spread: z.number(),
      truncated: z.number(),
      effective: z.number(),
    })
    .optional(),
  excluded: z.int(),
  rounds: z.int().optional(),
  policyLoss: z.number().optional(),
  valueLoss: z.number().optional(),
  approxKl: z.number().optional(),
  clipped: z.number().optional(),
  entropy: z.number().optional(),
  accuracy: z.number().optional(),
  learningRate: z.number().optional(),
  skipped: z.int(),
});

const evaluation = z.object({
  step: z.int(),
  reward: z.number(),
  rewards: z.record(z.string(), z.number()),
  heldOut: z.number().optional(),
  unrewarded: z.int(),
  truncated: z.int(),
  neutralized: z.int(),
  kl: z.number().optional(),
  best: z.boolean(),
});

const sample = z.object({
  step: z.int(),
  id: z.string(),
  prompt: z.string(),
  response: z.string(),
  reference: z.string().optional(),
  reward: z.number().nullable(),
  rewards: z.record(z.string(), z.number().nullable()),
  kl: z.number().optional(),
  length: z.number(),
});

const schema = z.strictObject({
  fingerprint: z.record(z.string(), z.string()),
  step: z.int().min(0),
  policyUpdates: z.int().min(0),
  valueUpdates: z.int().min(0),
  queue: z.array(z.number()),
  klWeight: z.number(),
  steps: z.array(stepRecord),
  evaluations: z.array(evaluation),
  samples: z.array(sample),
  stopped: z.enum(['steps', 'kl', 'patience']).optional(),
});

/** Writes the state of a run: it is there whole, with the hashes of its files, or not at all. */
export async function savePpoCheckpoint(
  path: string,
  frame: CheckpointFrame,
  state: PpoState,
): Promise<void> {
  const { step, policy, value, queue, klWeight, steps, evaluations, samples, stopped } = state;
  const json: z.input<typeof schema> = {
    fingerprint: { ...frame.fingerprint },
    step,
    policyUpdates: policy.updates,
    valueUpdates: value?.updates ?? 0,
    queue: [...queue],
    klWeight,
    steps: [...steps],
    evaluations: [...evaluations],
    samples: [...samples],
    stopped,
  };
  await writeCheckpoint(path, FILES, { step, history: recordsOf(state) }, async (temporary) => {
    const save = async (name: string, model: ModelFrame, { weights, moments }: LearnerState) => {
      await saveTrained(join(temporary, name), model, weights);
      await writeMoments(join(temporary, `${name}-moments.safetensors`), moments);
    };
    await save('policy', frame.policy, policy);
    if (value !== undefined && frame.value !== undefined) await save('value', frame.value, value);
    await writeFile(join(temporary, STATE_FILE), JSON.stringify(json));
  });
}

/** Saves the arrays of a model that are trained. */
async function saveTrained(
  path: string,
  { adapter, headOnly, ...model }: ModelFrame,
  weights: Weights,
): Promise<void> {
  if (headOnly) return writeSafetensors(`${path}-head.safetensors`, weights);
  if (adapter === undefined) return saveModel(path, { ...model, weights });
  const { lora, options } = adapter;
  await saveAdapter(path, { lora, weights }, model.config, options);
}

/**
 * Reads a checkpoint into the state of a run that has not begun; weights and moments are written in place.
 *
 * @throws RunError `bad-checkpoint` when it is not what was written, with the next older one that is whole; PpoError
 *   `bad-checkpoint` when it is of another run; nothing was changed then
 */
export async function loadPpoCheckpoint(
  path: string,
  { fingerprint, optimizer, ...frame }: CheckpointFrame,
  state: PpoState,
): Promise<void> {
  await checkFiles(path);
  const saved = await readState(path);
  // A run may be extended.
  const other = differingParts(saved.fingerprint, fingerprint).filter((part) => part !== 'steps');
  if (other.length > 0) {
    throw new PpoError(
      'bad-checkpoint',
      `${path} is of another run: ${other.join(', ')} differ`,
      'resume with what started the run, or start anew in another output',
    );
  }
  const read = async (name: string, model: ModelFrame, { weights }: LearnerState) => {
    const loaded = await loadTrained(path, name, model);
    const moments = await readMoments(join(path, `${name}-moments.safetensors`), optimizer, weights);
    for (const arrays of Object.values(moments)) await checkFinite(path, `${name}-moments`, arrays);
    return { weights: loaded, moments };
  };
  const policy = await read('policy', frame.policy, state.policy);
  if (state.value !== undefined && frame.value !== undefined) {
    restore(state.value, await read('value', frame.value, state.value), saved.valueUpdates);
  }
  restore(state.policy, policy, saved.policyUpdates);
  state.step = saved.step;
  state.queue = saved.queue;
  state.klWeight = saved.klWeight;
  state.steps.push(...saved.steps);
  state.evaluations.push(...saved.evaluations);
  state.samples = saved.samples;
  state.stopped = saved.stopped;
}

/** The trained arrays of the policy of a checkpoint. @throws RunError `bad-checkpoint` when it is not what was written */
export async function loadPolicy(path: string, frame: ModelFrame): Promise<Weights> {
  await checkFiles(path);
  return loadTrained(path, 'policy', frame);
}

async function loadTrained(path: string, name: string, model: ModelFrame): Promise<Weights> {
  const { adapter, headOnly, config } = model;
  if (!headOnly && adapter === undefined) {
    // Absolute, so that a path that is not there is never taken for a repository of the hub.
    const { weights } = await readPart(path, () => loadModel(resolve(path, name)));
    return weights;
  }
  const weights = headOnly
    ? (await readPart(path, () => readSafetensors(join(path, `${name}-head.safetensors`)))).tensors
    : (await readPart(path, () => loadAdapter(join(path, name), config))).weights;
  await checkFinite(path, name, weights);
  return weights;
}

async function readState(path: string): Promise<z.output<typeof schema>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(path, STATE_FILE), 'utf8'));
  } catch (cause) {
    throw await brokenCheckpoint(path, `${STATE_FILE} is missing or broken`, cause);
  }
  const { success, data, error } = schema.safeParse(json);
  if (!success) {
    throw await brokenCheckpoint(path, `${STATE_FILE} is broken: ${describeIssues(error.issues)}`);
  }
  await checkProgress(path, { step: data.step, history: recordsOf(data) });
  return data;
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
