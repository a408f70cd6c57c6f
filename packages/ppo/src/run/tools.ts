import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { type PolicyExample, type PolicyMetric, policyObjective } from '../objectives/policy.js';
import { type ValueExample, valueObjective } from '../objectives/value.js';
import type { PpoOptions } from '../options.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { rewardList } from '../rewards/reward-list.js';
import { createPolicyMeter, type PolicyMeter } from '../rollout/policy-meter.js';
import { createTokenMeter, type TokenMeter } from '../rollout/token-meter.js';
import { createLearner, type Learner } from './learner.js';
import type { PpoRun } from './run.js';
import type { Frozen } from './start.js';
import type { PpoState } from './state.js';

/** The compiled parts that the steps of a run use. They read and write the weights of the run in place. */
export interface Tools {
  readonly run: PpoRun;
  /** The rewards of the run by name. */
  readonly rewards: readonly NamedReward[];
  /** The reward that is measured on validation prompts only. */
  readonly heldOut: NamedReward | undefined;
  readonly signal: AbortSignal | undefined;
  readonly options: PpoOptions;
  /** Draws responses of the policy. */
  readonly sampler: ResponseSampler;
  /** Measures them with the reference and the value model. */
  readonly meter: TokenMeter;
  /** Measures the policy on the validation prompts, where there are any. */
  readonly validator: PolicyMeter | undefined;
  readonly policy: Learner<PolicyExample, PolicyMetric>;
  readonly value: Learner<ValueExample, never> | undefined;
  dispose(): void;
}

/** Opens the tools of a run. */
export async function openTools(
  run: PpoRun,
  options: PpoOptions,
  { state, frozen: { start, reference } }: { readonly state: PpoState; readonly frozen: Frozen },
): Promise<Tools> {
  const { policy, value, validation } = run;
  const { microBatchSize = options.miniBatchSize, maxGradientNorm, optimizer, kl } = options;
  const learning = { microBatchSize, maxGradientNorm, optimizer };
  // First, because it generates and may fail or be aborted: nothing else is open then.
  const validator =
    validation &&
    (await createPolicyMeter({
      ...run,
      ...options,
      config: policy.config,
      policy: policy.weights,
      reference,
      greedy: options.greedyReference ? start : undefined,
      prompts: validation,
    }));
  const tools = {
    sampler: samplerOf(run, options),
    meter: createTokenMeter({ config: policy.config, policy: policy.weights, reference, value }),
    validator,
    policy: createLearner(state.policy, {
      ...learning,
      name: 'policy',
      config: policy.config,
      objective: policyObjective({
        ...options,
        clip: { low: options.clip, high: options.clipHigh },
        kl: kl.in === 'loss' && kl.weight > 0 && reference ? { ...kl, reference } : undefined,
      }),
    }),
    value:
      value &&
      state.value &&
      createLearner(state.value, {
        ...learning,
        name: 'value model',
        config: value.config,
        objective: valueObjective(options.valueClip),
      }),
  };
  return {
    run,
    options,
    rewards: rewardList(run.reward),
    heldOut: heldOutOf(run),
    signal: run.signal,
    ...tools,
    dispose() {
      for (const tool of Object.values(tools)) tool?.dispose();
    },
  };
}

/** Draws responses of the policy. Rounded matrices are made anew at each call, because the policy has learned meanwhile. */
function samplerOf(run: PpoRun, { rolloutPrecision }: PpoOptions): ResponseSampler {
  const model = { ...run, ...run.policy };
  if (rolloutPrecision === 'float32') return createResponseSampler(model);
  return {
    async sample(items, options) {
      const rounded = createResponseSampler({ ...model, precision: rolloutPrecision });
      try {
        return await rounded.sample(items, options);
      } finally {
        rounded.dispose();
      }
    },
    dispose() {},
  };
}

/** The held-out reward as a monitor with a name. */
function heldOutOf({ heldOut }: PpoRun): NamedReward | undefined {
  if (heldOut === undefined) return undefined;
  return typeof heldOut === 'function'
    ? { name: 'heldOut', reward: heldOut, weight: 0 }
    : { ...heldOut, weight: 0 };
}
