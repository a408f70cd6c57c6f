import { canonicalJson, type MemoryNeed } from '@gram/base';
import { sizeOf } from '@gram/engine';
import {
  type Adapter,
  copyWeights,
  kindOf,
  type ModelConfig,
  parameterCount,
  trainingMemory,
  type Weights,
} from '@gram/model';
import { PpoError } from '../error.js';
import { initialLearnerState } from '../learning/learner.js';
import { methodOf, type PpoOptions } from '../options.js';
import type { PpoRun } from './run.js';
import type { PpoState } from './state.js';
import { ownWeights, trainedWeights } from './trained.js';

/** Checks what can be known before anything is computed. */
export function checkRun(
  { policy, reference, value, prompts, validation }: PpoRun,
  options: PpoOptions,
): void {
  const { advantages, reference: kind } = options;
  if (prompts.length === 0) {
    throw new PpoError('no-data', 'there are no prompts to learn from', 'give at least one prompt');
  }
  if (validation?.length === 0) {
    throw new PpoError(
      'no-data',
      'there are no validation prompts',
      'give prompts that are not learned from, on which the best policy is chosen, or leave `validation` out',
    );
  }
  const refuse = (problem: string, hint: string) => new PpoError('bad-option', problem, hint);
  if (kindOf(policy.config).head !== 'next-token') {
    throw refuse(`the policy is a ${policy.config.architecture}`, 'give a language model');
  }
  if (policy.adapter !== undefined && !changesNothing(policy.adapter)) {
    throw refuse(
      'the adapter of the policy has learned already, and the policy at the start is the model without it',
      'merge it into the model, and begin a new one with initAdapter',
    );
  }
  if (reference !== undefined && kind === 'none') {
    throw refuse('a reference was given, and the options say that there is none', 'leave one of both out');
  }
  if (reference !== undefined && differ(reference.config, policy.config)) {
    throw refuse(
      'the reference has another architecture than the policy',
      'give a reference with the configuration of the policy',
    );
  }
  if (advantages === 'gae' && value === undefined) {
    throw refuse('gae needs a value model', 'give one, for example valueModelFrom(policy)');
  }
  if (advantages !== 'gae' && value !== undefined) {
    throw refuse(`${methodOf(options)} uses no value model`, 'leave it out');
  }
  if (value !== undefined && kindOf(value.config).head !== 'score') {
    throw refuse(
      `the value model is a ${value.config.architecture}`,
      'give one with a score head, for example valueModelFrom(policy)',
    );
  }
}

/** Whether an adapter is new: its matrices B are zeros. */
function changesNothing({ weights }: Adapter): boolean {
  return Object.entries(weights).every(
    ([name, { data }]) => !name.endsWith('.lora_B.weight') || data.every((value) => value === 0),
  );
}

/** Whether two models compute differently; which adapters were merged into them makes no difference. */
function differ(a: ModelConfig, b: ModelConfig): boolean {
  const [one, other] = [a, b].map(({ mergedAdapters: _, ...config }) => canonicalJson(config));
  return one !== other;
}

/** Memory of the weights, gradients and moments of a run, and what lowers it. */
export function runNeed(
  run: Pick<PpoRun, 'policy' | 'value' | 'reference' | 'validation'>,
  options: PpoOptions,
): MemoryNeed {
  const { policy, value } = run;
  const { optimizer } = options;
  const copiesStart = policy.adapter === undefined && needsStart(run, options);
  const { weights, gradients, moments } = trainingMemory(policy.config, {
    optimizer,
    lora: policy.adapter?.lora,
  });
  const bytes =
    weights + gradients + moments + (value === undefined ? 0 : valueBytes(value, policy, options));
  const smaller = `lower microBatchSize or batchSize, ${policy.adapter === undefined ? 'train an adapter (policy.lora), ' : ''}or take a smaller policy`;
  return {
    work: value === undefined ? 'learning with this policy' : 'learning with this policy and value model',
    bytes: bytes + (copiesStart ? 4 * parameterCount(policy.config) : 0),
    hint: value === undefined ? smaller : `${smaller}, or advantages without a value model (rloo, grpo)`,
  };
}

/** Memory that a value model takes beside a policy, of which it may share arrays. */
function valueBytes(
  value: NonNullable<PpoRun['value']>,
  policy: PpoRun['policy'],
  { optimizer }: PpoOptions,
): number {
  const trained = Object.values(trainedWeights(value)).map(({ shape }) => shape);
  const remembered = trained.flatMap((shape) => Object.values(optimizer.slots(shape)));
  const own = Object.values(ownWeights(value, policy)).map(({ shape }) => shape);
  return 4 * [...own, ...trained, ...remembered].reduce((sum, shape) => sum + sizeOf(shape), 0);
}

/** The frozen models beside a policy. */
export interface Frozen {
  /**
   * The first policy: the reference, or the one that answers the validation prompts greedily. It is a copy, or the weights under the
   * adapter of the policy.
   */
  readonly start: Weights | undefined;
  /** The model that the KL is measured to. */
  readonly reference: Weights | undefined;
}

/** Whether the first policy is needed: for the KL, or for the greedy responses to the validation prompts. */
function needsStart(
  { reference, validation }: Pick<PpoRun, 'reference' | 'validation'>,
  options: PpoOptions,
): boolean {
  const isReference = options.reference === 'start' && reference === undefined;
  return isReference || (validation !== undefined && options.greedyReference);
}

/** Makes the state before the first step, and the frozen models. */
export function initialState(run: PpoRun, options: PpoOptions): { state: PpoState; frozen: Frozen } {
  const { policy, value } = run;
  const { optimizer, kl } = options;
  const first = () => (policy.adapter === undefined ? copyWeights(policy.weights) : policy.weights);
  const start = needsStart(run, options) ? first() : undefined;
  const trained = trainedWeights(policy);
  const reference = options.reference === 'none' ? undefined : (run.reference?.weights ?? start);
  const state: PpoState = {
    step: 0,
    policy: initialLearnerState(trained, optimizer),
    value: value && initialLearnerState(trainedWeights(value), optimizer),
    queue: [],
    klWeight: kl.weight,
    isValidated: run.validation !== undefined,
    steps: [],
    evaluations: [],
    history: [],
    samples: [],
    // Replaced by the first evaluation, or at the end where there are no validation prompts.
    best: { step: 0, weights: trained },
  };
  return { state, frozen: { start, reference } };
}
