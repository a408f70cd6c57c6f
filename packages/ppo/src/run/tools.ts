import { disposeArrays, place } from '@gram/engine';
import type { PlacedWeights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { singleProcess } from '@gram/train';
import { type PolicyExample, type PolicyMetric, policyObjective } from '../objectives/policy.js';
import { type ValueExample, valueObjective } from '../objectives/value.js';
import type { PpoOptions } from '../options.js';
import type { Team } from '../ranks/together.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { rewardList } from '../rewards/reward-list.js';
import { createPolicyMeter, type PolicyMeter } from '../rollout/policy-meter.js';
import { sharedMeter, sharedSampler } from '../rollout/shared-tools.js';
import { createTokenMeter, type TokenMeter } from '../rollout/token-meter.js';
import { type Learner, openLearner } from './learner.js';
import type { PpoRun } from './run.js';
import type { Frozen } from './start.js';
import type { PpoState } from './state.js';

/** The compiled parts that the steps of a run use. They read and write its weights where the device keeps them. */
export interface Tools {
  readonly run: PpoRun;
  /** The rewards of the run by name. */
  readonly rewards: readonly NamedReward[];
  /** The reward that is measured on validation prompts only. */
  readonly heldOut: NamedReward | undefined;
  readonly signal: AbortSignal | undefined;
  /** The ranks that share the work. */
  readonly team: Team;
  readonly options: PpoOptions;
  /** Draws responses of the policy. */
  readonly sampler: ResponseSampler;
  /** Measures them with the reference and the value model. */
  readonly meter: TokenMeter;
  /** Measures the policy on the validation prompts, where there are any. */
  readonly validator: PolicyMeter | undefined;
  readonly policy: Learner<PolicyExample, PolicyMetric>;
  readonly value: Learner<ValueExample, never> | undefined;
  /** Brings weights and moments to the host memory of the state. All ranks call it together. */
  collect(): Promise<void>;
  dispose(): void;
}

/** Opens the tools of a run. */
export async function openTools(
  run: PpoRun,
  options: PpoOptions,
  { state, frozen }: { readonly state: PpoState; readonly frozen: Frozen },
): Promise<Tools> {
  const closing: { dispose(): void }[] = [];
  const closed = <T extends { dispose(): void }>(tool: T): T => {
    closing.push(tool);
    return tool;
  };
  const dispose = () => {
    for (const tool of closing.toReversed()) tool.dispose();
  };
  try {
    const { device = 'cpu', precision: products = 'float32', communicator = singleProcess } = run;
    const reference = frozen.reference && (await place<PlacedWeights>(frozen.reference, device));
    if (reference) closed({ dispose: () => disposeArrays(reference) });
    const { policy, value } = await openLearners(run, options, { state, reference });
    closed(policy);
    if (value) closed(value);
    const team: Team = { communicator, signal: run.signal };
    const { config } = run.policy;
    const validator =
      run.validation &&
      closed(
        await createPolicyMeter({
          ...run,
          ...options,
          ...{ config, policy: policy.weights, reference, products, prompts: run.validation },
          greedy: options.greedyReference ? frozen.start : undefined,
        }),
      );
    const valueModel = run.value && value && { config: run.value.config, weights: value.weights };
    const models = { config, policy: policy.weights, reference, value: valueModel };
    return {
      ...{ run, options, team, policy, value, validator },
      rewards: rewardList(run.reward),
      heldOut: heldOutOf(run),
      signal: run.signal,
      sampler: closed(sharedSampler(team, samplerOf(run, options, policy))),
      meter: closed(sharedMeter(team, createTokenMeter({ ...models, device, products }))),
      async collect() {
        await policy.collect();
        await value?.collect();
      },
      dispose,
    };
  } catch (cause) {
    dispose();
    throw cause;
  }
}

/** Opens the learners of policy and value model. */
async function openLearners(
  run: PpoRun,
  options: PpoOptions,
  { state, reference }: { readonly state: PpoState; readonly reference: PlacedWeights | undefined },
): Promise<Pick<Tools, 'policy' | 'value'>> {
  const { device = 'cpu', precision = 'float32', communicator = singleProcess } = run;
  const { microBatchSize = options.miniBatchSize, maxGradientNorm, optimizer, kl } = options;
  const learning = { microBatchSize, maxGradientNorm, optimizer, device, precision, communicator };
  const policy = await openLearner(state.policy, {
    ...learning,
    name: 'policy',
    config: run.policy.config,
    objective: policyObjective({
      ...options,
      clip: { low: options.clip, high: options.clipHigh },
      kl: kl.in === 'loss' && kl.weight > 0 && reference ? { ...kl, reference } : undefined,
    }),
  });
  if (run.value === undefined || state.value === undefined) return { policy, value: undefined };
  try {
    const value = await openLearner(state.value, {
      ...learning,
      name: 'value model',
      config: run.value.config,
      objective: valueObjective(options.valueClip),
    });
    return { policy, value };
  } catch (cause) {
    policy.dispose();
    throw cause;
  }
}

/** Draws responses of the policy. Rounded matrices are made anew at each call, because the policy has learned meanwhile. */
function samplerOf(
  { tokenizer, encoder, stop, device, precision: products, policy: { config, weights } }: PpoRun,
  { rolloutPrecision }: PpoOptions,
  policy: Tools['policy'],
): ResponseSampler {
  const model = { tokenizer, encoder, stop, device, products, config };
  if (rolloutPrecision === 'float32') return createResponseSampler({ ...model, weights: policy.weights });
  return {
    async sample(items, options) {
      // They are made in host memory.
      await policy.collect();
      const rounded = createResponseSampler({ ...model, weights, precision: rolloutPrecision });
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
