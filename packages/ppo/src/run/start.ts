import type { MemoryNeed } from '@gram/base';
import { copyWeights, kindOf, parameterCount, trainingMemory, type Weights } from '@gram/model';
import { PpoError } from '../error.js';
import type { PpoOptions } from '../options.js';
import { initialLearnerState } from './learner.js';
import type { PpoRun } from './run.js';
import type { PpoState } from './state.js';

/** Checks what can be known before anything is computed. */
export function checkRun({ policy, value, prompts, validation }: PpoRun, { advantages }: PpoOptions): void {
  if (prompts.length === 0) {
    throw new PpoError('no-data', 'there are no prompts to learn from', 'give at least one prompt');
  }
  if (validation.length === 0) {
    throw new PpoError(
      'no-data',
      'there are no validation prompts',
      'give prompts that are not learned from: the best policy is chosen on them',
    );
  }
  const refuse = (problem: string, hint: string) => new PpoError('bad-option', problem, hint);
  if (kindOf(policy.config).head !== 'next-token') {
    throw refuse(`the policy is a ${policy.config.architecture}`, 'give a language model');
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

/** Memory of the weights, gradients and moments of a run, and what lowers it. */
export function runNeed({ policy, value }: PpoRun, { optimizer }: PpoOptions): MemoryNeed {
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
    // The frozen reference is a copy of the policy.
    bytes: bytes + 4 * parameterCount(policy.config),
    hint: value === undefined ? smaller : `${smaller}, or advantages without a value model (rloo, grpo)`,
  };
}

/** Makes the state before the first step, and the frozen copy of the policy. */
export function initialState(
  { policy, value }: PpoRun,
  { optimizer }: PpoOptions,
): { state: PpoState; reference: Weights } {
  const reference = copyWeights(policy.weights);
  const state: PpoState = {
    step: 0,
    policy: initialLearnerState(policy.weights, optimizer),
    value: value && initialLearnerState(value.weights, optimizer),
    queue: [],
    steps: [],
    evaluations: [],
    history: [],
    samples: [],
    best: { step: 0, weights: reference },
  };
  return { state, reference };
}
