import { copyWeights, kindOf, type Weights } from '@gram/model';
import { adamW, initMoments } from '@gram/train';
import { PpoError } from './error.js';
import type { PpoOptions } from './options.js';
import type { PpoRun } from './run.js';
import type { LearnerState, PpoState } from './state.js';

/** Checks what can be known before anything is computed. */
export function checkRun({ policy, value, prompts, validation }: PpoRun, { advantages }: PpoOptions): void {
  const require = (holds: boolean, code: 'bad-option' | 'no-data', problem: string, hint: string) => {
    if (!holds) throw new PpoError(code, problem, hint);
  };
  require(prompts.length > 0, 'no-data', 'there are no prompts to learn from', 'give at least one prompt');
  require(validation.length >
    0, 'no-data', 'there are no validation prompts', 'give prompts that are not learned from: the best policy is chosen on them');
  require(kindOf(policy.config).head ===
    'next-token', 'bad-option', `the policy is a ${policy.config.architecture}`, 'give a language model');
  require((advantages === 'gae') === (value !== undefined), 'bad-option', advantages === 'gae'
    ? 'gae needs a value model'
    : `${advantages} uses no value model`, advantages === 'gae'
    ? 'give one, for example valueModelFrom(policy)'
    : 'leave it out');
  require(value === undefined ||
    kindOf(value.config).head ===
      'score', 'bad-option', `the value model is a ${value?.config.architecture}`, 'give one with a score head, for example valueModelFrom(policy)');
}

/** The state before the first step, and the frozen copy of the policy. */
export function initialState({ policy, value }: PpoRun): { state: PpoState; reference: Weights } {
  const learner = (weights: Weights): LearnerState => ({
    weights,
    moments: initMoments(adamW(), weights),
    updates: 0,
  });
  const reference = copyWeights(policy.weights);
  const state: PpoState = {
    step: 0,
    policy: learner(policy.weights),
    value: value && learner(value.weights),
    queue: [],
    steps: [],
    evaluations: [],
    best: { step: 0, weights: reference },
  };
  return { state, reference };
}
