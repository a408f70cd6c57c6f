import type { PlacedWeights } from '@gram/model';
import { type BatchShape, directPreference, type Objective, supervisedFineTuning } from '@gram/train';
import type { Experience, MeasuredResponse } from '../advantages/experience.js';
import { policyObjective } from '../objectives/policy.js';
import type { PpoOptions } from '../options.js';
import { bestOf, preferenceOf } from './choices.js';
import {
  type Learner,
  type LearnerOptions,
  type LearnerResult,
  type LearnerState,
  openLearner,
} from './learner.js';

/** Responses of a step. */
export interface StepResponses {
  /** The responses to each prompt. */
  readonly groups: readonly (readonly MeasuredResponse[])[];
  /** Responses that have advantages. */
  readonly experience: readonly Experience[];
}

/** The examples that the responses of a step give a policy, of which gradient steps take some. */
export interface Lesson {
  readonly size: number;
  /** Number of responses in the examples. */
  readonly responses: number;
  /** Takes a gradient step over the examples at some places. */
  learn(places: readonly number[], learningRate: number): Promise<LearnerResult>;
}

/** A policy that learns from the responses of steps. */
export interface PolicyLearner extends Omit<Learner<never, never>, 'learn'> {
  lesson(responses: StepResponses): Lesson;
}

/** Settings of a learner of which the objective is still to be chosen. */
type Learning = Omit<LearnerOptions<never, never>, 'objective'>;

/** Opens the learner of a policy with the objective of the run. */
export function openPolicyLearner(
  state: LearnerState,
  learning: Learning,
  options: PpoOptions,
  reference: PlacedWeights | undefined,
): Promise<PolicyLearner> {
  const { objective, kl, clip, clipHigh } = options;
  if (objective === 'preference') {
    const learn = { ...learning, objective: directPreference({ beta: kl.weight }) };
    return taught(state, learn, 2, ({ groups }) => groups.flatMap(preferenceOf));
  }
  if (objective === 'best') {
    const learn = { ...learning, objective: supervisedFineTuning };
    return taught(state, learn, 1, ({ groups }) => groups.flatMap(bestOf));
  }
  const surrogate = policyObjective({
    ...options,
    clip: { low: clip, high: clipHigh },
    kl: kl.in === 'loss' && kl.weight > 0 && reference ? { ...kl, reference } : undefined,
  });
  return taught(state, { ...learning, objective: surrogate }, 1, ({ experience }) => [...experience]);
}

/**
 * Opens a learner together with how the responses of a step become its examples.
 *
 * @param each number of responses in an example
 */
async function taught<Example, Metric extends string>(
  state: LearnerState,
  learning: Learning & { readonly objective: Objective<Example, BatchShape, Metric> },
  each: number,
  examplesOf: (responses: StepResponses) => Example[],
): Promise<PolicyLearner> {
  const learner = await openLearner(state, learning);
  return {
    weights: learner.weights,
    collect: () => learner.collect(),
    dispose: () => learner.dispose(),
    lesson(responses) {
      const examples = examplesOf(responses);
      return {
        size: examples.length,
        responses: each * examples.length,
        learn: (places, learningRate) =>
          learner.learn(
            places.flatMap((place) => examples[place] ?? []),
            learningRate,
          ),
      };
    },
  };
}
