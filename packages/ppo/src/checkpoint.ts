import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeIssues, writeDirectoryAtomic } from '@gram/base';
import { loadModel, type ModelToSave, saveModel } from '@gram/model';
import { adamW, readMoments, writeMoments } from '@gram/train';
import { z } from 'zod';
import { PpoError } from './error.js';
import type { LearnerState, PpoState } from './state.js';

type Frame = Omit<ModelToSave, 'weights'>;

const stateFile = 'ppo.json';
const files = ['policy', 'value', 'policy-moments.safetensors', 'value-moments.safetensors', stateFile];

const schema = z.strictObject({
  fingerprint: z.string(),
  step: z.int().min(0),
  policyUpdates: z.int().min(0),
  valueUpdates: z.int().min(0),
  queue: z.array(z.number()),
  steps: z.array(z.looseObject({ step: z.int(), score: z.number(), kl: z.number() })),
  evaluations: z.array(
    z.looseObject({ step: z.int(), reward: z.number(), kl: z.number(), best: z.boolean() }),
  ),
  stopped: z.enum(['steps', 'kl', 'patience']).optional(),
});

/** Writes the state of a run under a temporary name and renames it: it is there whole, or not at all. */
export async function savePpoCheckpoint(
  path: string,
  models: { readonly policy: Frame; readonly value?: Frame },
  fingerprint: string,
  state: PpoState,
): Promise<void> {
  const { step, policy, value, queue, steps, evaluations, stopped } = state;
  const json: z.input<typeof schema> = {
    fingerprint,
    step,
    policyUpdates: policy.updates,
    valueUpdates: value?.updates ?? 0,
    queue: [...queue],
    steps: steps.map((record) => ({ ...record })),
    evaluations: evaluations.map((record) => ({ ...record })),
    stopped,
  };
  await writeDirectoryAtomic(path, files, async (temporary) => {
    const save = async (name: string, frame: Frame, { weights, moments }: LearnerState) => {
      await saveModel(join(temporary, name), { ...frame, weights });
      await writeMoments(join(temporary, `${name}-moments.safetensors`), moments);
    };
    await save('policy', models.policy, policy);
    if (value !== undefined) await save('value', models.value!, value);
    await writeFile(join(temporary, stateFile), JSON.stringify(json));
  });
}

/**
 * Reads a checkpoint into the state of a run that has not begun; weights and moments are written in place.
 *
 * @throws PpoError `bad-checkpoint` when its state is broken or of another run, TrainError and ModelError when moments or
 *   models are; nothing was changed then
 */
export async function loadPpoCheckpoint(path: string, fingerprint: string, state: PpoState): Promise<void> {
  const refuse = (problem: string, cause?: unknown) =>
    new PpoError('bad-checkpoint', `${path}: ${problem}`, 'start anew in another output', { cause });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(join(path, stateFile), 'utf8'));
  } catch (cause) {
    throw refuse(`${stateFile} is missing or broken`, cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw refuse(`${stateFile}: ${describeIssues(parsed.error.issues)}`);
  }
  const saved = parsed.data;
  if (saved.fingerprint !== fingerprint) {
    throw refuse('it was made with other options, prompts or first models');
  }
  const read = async (name: string, { weights }: LearnerState) => {
    const model = await loadModel(resolve(path, name));
    const moments = await readMoments(join(path, `${name}-moments.safetensors`), adamW(), weights);
    return { weights: model.weights, moments };
  };
  const policy = await read('policy', state.policy);
  const value = state.value && (await read('value', state.value));
  restore(state.policy, policy, saved.policyUpdates);
  if (state.value !== undefined) restore(state.value, value!, saved.valueUpdates);
  state.step = saved.step;
  state.queue = saved.queue;
  state.steps.push(...(saved.steps as unknown as PpoState['steps']));
  state.evaluations.push(...(saved.evaluations as unknown as PpoState['evaluations']));
  state.stopped = saved.stopped;
}

function restore(
  target: LearnerState,
  { weights, moments }: Pick<LearnerState, 'weights' | 'moments'>,
  updates: number,
): void {
  const copy = (to: LearnerState['weights'], from: LearnerState['weights']) => {
    for (const [name, { data }] of Object.entries(to)) data.set(from[name]!.data);
  };
  copy(target.weights, weights);
  for (const [slot, arrays] of Object.entries(moments)) copy(target.moments[slot]!, arrays);
  target.updates = updates;
}
