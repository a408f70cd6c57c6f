import type { Weights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { createLearner, type Learner } from './learner.js';
import { createPolicyMeter, type PolicyMeter } from './measure-policy.js';
import { type PolicyExample, policyObjective } from './objectives/policy.js';
import { type ValueExample, valueObjective } from './objectives/value.js';
import type { PpoOptions } from './options.js';
import { createTokenMeter, type TokenMeter } from './rollout/measure.js';
import type { PpoRun } from './run.js';
import type { PpoState } from './state.js';

/** What the steps of a run work with. All of it reads and writes the weights of the run in place. */
export interface Tools {
  readonly run: PpoRun;
  readonly options: PpoOptions;
  /** Draws responses of the policy. */
  readonly sampler: ResponseSampler;
  /** Measures them with the reference and the value model. */
  readonly meter: TokenMeter;
  /** Measures the policy on the validation prompts. */
  readonly validator: PolicyMeter;
  readonly policy: Learner<PolicyExample>;
  readonly value: Learner<ValueExample> | undefined;
  dispose(): void;
}

/** Opens the tools of a run. */
export async function openTools(
  run: PpoRun,
  options: PpoOptions,
  state: PpoState,
  reference: Weights,
): Promise<Tools> {
  const { policy, value } = run;
  const { microBatchSize = options.miniBatchSize, maxGradientNorm, kl } = options;
  const learning = { microBatchSize, maxGradientNorm };
  // First, because it generates and may fail or be aborted: nothing else is open then.
  const validator = await createPolicyMeter({
    ...run,
    ...options,
    config: policy.config,
    policy: policy.weights,
    reference,
    prompts: run.validation,
  });
  const tools = {
    sampler: createResponseSampler({ ...run, ...policy }),
    meter: createTokenMeter({ config: policy.config, policy: policy.weights, reference, value }),
    validator,
    policy: createLearner(
      'policy',
      policy.config,
      policyObjective({ clip: options.clip, kl: kl.in === 'loss' ? { ...kl, reference } : undefined }),
      state.policy,
      { ...learning, learningRate: options.policyLearningRate },
    ),
    value:
      value &&
      createLearner('value model', value.config, valueObjective(options.valueClip), state.value!, {
        ...learning,
        learningRate: options.valueLearningRate,
      }),
  };
  return {
    run,
    options,
    ...tools,
    dispose() {
      for (const tool of Object.values(tools)) tool?.dispose();
    },
  };
}
