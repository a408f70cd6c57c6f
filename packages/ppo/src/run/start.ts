import { canonicalJson, type MemoryNeed } from '@gram/base';
import {
  copyWeights,
  kindOf,
  type ModelConfig,
  parameterCount,
  trainingMemory,
  type Weights,
} from '@gram/model';
import { PpoError } from '../error.js';
import type { PpoOptions } from '../options.js';
import { initialLearnerState } from './learner.js';
import type { PpoRun } from './run.js';
import type { PpoState } from './state.js';

/** Checks what can be known before anything is computed. */
export function checkRun(
  { policy, reference, value, prompts, validation }: PpoRun,
  { advantages, reference: kind }: PpoOptions,
): void {
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
    throw refuse(`${advantages} uses no value model`, 'leave it out');
  }
  if (value !== undefined && kindOf(value.config).head !== 'score') {
    throw refuse(
      `the value model is a ${value.config.architecture}`,
      'give one with a score head, for example valueModelFrom(policy)',
    );
  }
}

/** Whether two models compute differently; which adapters were merged into them makes no difference. */
function differ(a: ModelConfig, b: ModelConfig): boolean {
  const [one, other] = [a, b].map(({ mergedAdapters: _, ...config }) => canonicalJson(config));
  return one !== other;
}

/** Memory of the weights, gradients and moments of a run, and what lowers it. */
export function runNeed(run: PpoRun, options: PpoOptions): MemoryNeed {
  const { policy, value } = run;
  const { optimizer } = options;
  const learned = [policy, ...(value === undefined ? [] : [value])].map(({ config }) =>
    trainingMemory(config, { optimizer }),
  );
  const bytes = learned.reduce(
    (sum, { weights, gradients, moments }) => sum + weights + gradients + moments,
    0,
  );
  const smaller = 'lower microBatchSize or batchSize, or take a smaller policy';
  return {
    work: value === undefined ? 'learning with this policy' : 'learning with this policy and value model',
    bytes: bytes + (keepsStart(run, options) ? 4 * parameterCount(policy.config) : 0),
    hint: value === undefined ? smaller : `${smaller}, or advantages without a value model (rloo, grpo)`,
  };
}

/** The frozen models beside a policy. */
export interface Frozen {
  /** Copy of the first policy: the reference, or the one that answers the validation prompts greedily. */
  readonly start: Weights | undefined;
  /** The model that the KL is measured to. */
  readonly reference: Weights | undefined;
}

/** Whether a copy of the first policy is kept: for the KL, or for the greedy responses to the validation prompts. */
function keepsStart({ reference, validation }: PpoRun, options: PpoOptions): boolean {
  const isReference = options.reference === 'start' && reference === undefined;
  return isReference || (validation !== undefined && options.greedyReference);
}

/** Makes the state before the first step, and the frozen models. */
export function initialState(run: PpoRun, options: PpoOptions): { state: PpoState; frozen: Frozen } {
  const { policy, value } = run;
  const { optimizer, kl } = options;
  const start = keepsStart(run, options) ? copyWeights(policy.weights) : undefined;
  const reference = options.reference === 'none' ? undefined : (run.reference?.weights ?? start);
  const state: PpoState = {
    step: 0,
    policy: initialLearnerState(policy.weights, optimizer),
    value: value && initialLearnerState(value.weights, optimizer),
    queue: [],
    klWeight: kl.weight,
    isValidated: run.validation !== undefined,
    steps: [],
    evaluations: [],
    history: [],
    samples: [],
    // Replaced by the first evaluation, or at the end where there are no validation prompts.
    best: { step: 0, weights: start ?? policy.weights },
  };
  return { state, frozen: { start, reference } };
}
