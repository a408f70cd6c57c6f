import { disposeArrays, place } from '@gram/engine';
import type { PlacedWeights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { singleProcess } from '@gram/train';
import { type Learner, openLearner } from '../learning/learner.js';
import { openPolicyLearner, type PolicyLearner } from '../learning/policy-learner.js';
import { type ValueExample, valueObjective } from '../objectives/value.js';
import type { PpoOptions } from '../options.js';
import type { Team } from '../ranks/together.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { rewardList } from '../rewards/reward-list.js';
import { type PolicyMeter, policyMeterWith } from '../rollout/policy-meter.js';
import { sharedMeter, sharedSampler } from '../rollout/shared-tools.js';
import { createTokenMeter, type PlacedModel, type TokenMeter } from '../rollout/token-meter.js';
import type { PpoRun } from './run.js';
import type { Frozen } from './start.js';
import type { PpoState } from './state.js';
import { trainedPart, withShared, withTrained } from './trained.js';

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
  readonly validator: Pick<PolicyMeter, 'sample'> | undefined;
  readonly policy: PolicyLearner;
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
    const base = run.policy.adapter && (await place<PlacedWeights>(run.policy.weights, device));
    if (base) closed({ dispose: () => disposeArrays(base) });
    const isBase = frozen.reference === run.policy.weights;
    const reference = isBase
      ? base
      : frozen.reference && (await place<PlacedWeights>(frozen.reference, device));
    if (reference && !isBase) closed({ dispose: () => disposeArrays(reference) });
    const { policy, value, models } = await openLearners(run, options, { state, reference, base });
    closed(policy);
    if (value) closed(value);
    const team: Team = { communicator, signal: run.signal };
    const own = { config: run.policy.config, policy: models.policy.weights, adapter: models.policy.adapter };
    const measured = { ...own, reference, value: models.value };
    const meter = closed(sharedMeter(team, createTokenMeter({ ...measured, device, products })));
    const open = (precision: PpoOptions['rolloutPrecision']) =>
      closed(sharedSampler(team, samplerOf(run, precision, { learner: policy, model: models.policy })));
    const sampler = open(options.rolloutPrecision);
    const validator =
      run.validation &&
      (await policyMeterWith(
        // The policy itself is measured, and not the rounded one.
        { sampler: options.rolloutPrecision === 'float32' ? sampler : open('float32'), tokens: meter, team },
        {
          ...run,
          ...options,
          ...{ ...own, reference, products, prompts: run.validation },
          greedy: options.greedyReference ? frozen.start : undefined,
        },
      ));
    return {
      ...{ run, options, team, policy, value, sampler, meter, validator },
      rewards: rewardList(run.reward),
      heldOut: heldOutOf(run),
      signal: run.signal,
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

/** Learners of policy and value model, and both as they are read while they learn. */
interface Learners extends Pick<Tools, 'policy' | 'value'> {
  readonly models: { readonly policy: PlacedModel; readonly value: PlacedModel | undefined };
}

/** Opens the learners of policy and value model. */
async function openLearners(
  run: PpoRun,
  options: PpoOptions,
  {
    state,
    reference,
    base,
  }: {
    readonly state: PpoState;
    readonly reference: PlacedWeights | undefined;
    /** The weights under the adapter of the policy. */
    readonly base: PlacedWeights | undefined;
  },
): Promise<Learners> {
  const { device = 'cpu', precision = 'float32', communicator = singleProcess } = run;
  const { microBatchSize = options.miniBatchSize, maxGradientNorm, optimizer } = options;
  const learning = { microBatchSize, maxGradientNorm, optimizer, device, precision, communicator };
  const placed: PlacedModel = base === undefined ? run.policy : { ...run.policy, weights: base };
  const { config } = run.policy;
  const policyLearning = { ...learning, name: 'policy', config, part: trainedPart(placed) };
  const policy = await openPolicyLearner(state.policy, policyLearning, options, reference);
  const own = withTrained(placed, policy.weights);
  if (run.value === undefined || state.value === undefined) {
    return { policy, value: undefined, models: { policy: own, value: undefined } };
  }
  try {
    const around = withShared(run.value, run.policy, own);
    const value = await openLearner(state.value, {
      ...learning,
      name: 'value model',
      config: run.value.config,
      part: trainedPart(around),
      objective: valueObjective(options.valueClip),
    });
    return { policy, value, models: { policy: own, value: withTrained(around, value.weights) } };
  } catch (cause) {
    policy.dispose();
    throw cause;
  }
}

/**
 * Draws responses of the policy. Rounded matrices are made anew at each call, because the policy has learned meanwhile; those under
 * an adapter stay as they are, and are rounded once.
 */
function samplerOf(
  { tokenizer, encoder, stop, device, precision: products, policy: { config, weights } }: PpoRun,
  rolloutPrecision: PpoOptions['rolloutPrecision'],
  { learner, model }: { readonly learner: Tools['policy']; readonly model: PlacedModel },
): ResponseSampler {
  const common = { tokenizer, encoder, stop, device, products, config };
  if (rolloutPrecision === 'float32') return createResponseSampler({ ...common, ...model });
  // Matrices are rounded in host memory.
  const rounding = { ...common, weights, precision: rolloutPrecision };
  if (model.adapter !== undefined) return createResponseSampler({ ...rounding, adapter: model.adapter });
  return {
    async sample(items, options) {
      await learner.collect();
      const rounded = createResponseSampler(rounding);
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
