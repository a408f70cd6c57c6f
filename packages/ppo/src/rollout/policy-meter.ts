import { zip } from '@gram/base';
import type { DeviceName, Precision } from '@gram/engine';
import type { ModelConfig, PlacedAdapter, PlacedWeights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import type { ChatEncoder, Tokenizer } from '@gram/tokenize';
import { type Communicator, singleProcess } from '@gram/train';
import type { SamplingOptions } from '../options.js';
import { dealOut, type Team } from '../ranks/together.js';
import type { RewardFunction, RewardGroup } from '../rewards/reward.js';
import { scoreGroups } from '../rewards/reward-function.js';
import { collect, responseTokens, rewardGroups } from './collect.js';
import type { RunPrompt, StopConditions } from './run-prompt.js';
import { sharedMeter, sharedSampler } from './shared-tools.js';
import { createTokenMeter, type TokenMeter } from './token-meter.js';

/** A policy, the one that it came from, and what to measure it on. */
export interface PolicyMeterOptions {
  readonly config: ModelConfig;
  /** Read at each measurement. */
  readonly policy: PlacedWeights;
  /** Adapter over the weights of the policy, read at each measurement. @default none */
  readonly adapter?: PlacedAdapter | undefined;
  /** Gives the distribution for the KL. It must not change. @default none: no KL is measured */
  readonly reference?: PlacedWeights | undefined;
  /** Gives the greedy responses to compare with. It must not change. @default reward functions are given none */
  readonly greedy?: PlacedWeights | undefined;
  readonly tokenizer: Tokenizer;
  readonly encoder: Pick<ChatEncoder, 'prompt' | 'endId'>;
  readonly prompts: readonly RunPrompt[];
  readonly sampling: SamplingOptions;
  readonly maxNewTokens: number;
  /** Ends of a response, beside the end of a turn. @default none */
  readonly stop?: StopConditions;
  /** With the prompt's id it decides every draw: all policies are measured with the same random numbers. */
  readonly seed: number;
  /** Device of the computation. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** Precision of matrix products. @default 'float32' */
  readonly products?: Precision | undefined;
  /** Ranks that share the prompts: all make the same calls. @default singleProcess */
  readonly communicator?: Communicator;
  readonly signal?: AbortSignal;
}

/** One response to each prompt and what it is worth, in the order of the prompts. */
export interface PolicyMeasurement<Name extends string> {
  readonly responses: readonly string[];
  /** Rewards of the responses, by the name of the reward function; null where it gave none. */
  readonly rewards: Readonly<Record<Name, readonly (number | null)[]>>;
  /** Number of responses that a reward function gave no reward. */
  readonly unrewarded: number;
  /** Number of responses of which a reward function read cut text. */
  readonly truncated: number;
  /** Number of responses of which a reward function read escaped text. */
  readonly neutralized: number;
  /** Exact KL to the reference, summed over the tokens of each response, in nats; absent without a reference. */
  readonly kl?: readonly number[] | undefined;
}

/** One response to each prompt, without its worth. */
export interface PolicySample {
  /** The prompts with a response each, and the greedy one to compare with where there is one. */
  readonly groups: readonly RewardGroup[];
  /** Exact KL to the reference, summed over the tokens of each response, in nats; absent without a reference. */
  readonly kl?: readonly number[] | undefined;
}

/** Measures a policy while it learns. */
export interface PolicyMeter {
  /** Draws a response to each prompt, with the same random numbers every time. @throws the signal's reason */
  sample(): Promise<PolicySample>;
  /** @throws PpoError `reward-failed`, `bad-reward`; the signal's reason */
  measure<Name extends string>(
    rewards: Readonly<Record<Name, RewardFunction>>,
  ): Promise<PolicyMeasurement<Name>>;
  dispose(): void;
}

/**
 * Makes a meter of a policy. The greedy responses to compare with are drawn here, once: against those of a policy in
 * training a pairwise reward would stay at one half however good both become.
 *
 * @example
 * ```ts
 * const meter = await createPolicyMeter({
 *   ...{ config, policy: weights, reference, greedy: reference, tokenizer, encoder, prompts },
 *   ...{ sampling: { temperature: 0.75, topP: 0.95 }, maxNewTokens: 64, seed: 1 },
 * });
 * const { rewards, kl } = await meter.measure({ judge: preferenceReward(model) });
 * ```
 */
export async function createPolicyMeter(options: PolicyMeterOptions): Promise<PolicyMeter> {
  const { config, policy, adapter, reference, signal, device, products, communicator } = options;
  const team: Team = { communicator: communicator ?? singleProcess, signal };
  const models = { config, policy, adapter, reference };
  const sampler = sharedSampler(team, samplerOf(options, { weights: policy, adapter }));
  const tokens = sharedMeter(team, createTokenMeter({ ...models, device, products }));
  const dispose = () => {
    sampler.dispose();
    tokens.dispose();
  };
  try {
    return { ...(await policyMeterWith({ sampler, tokens, team }, options)), dispose };
  } catch (cause) {
    dispose();
    throw cause;
  }
}

/** Open parts that a meter of a policy measures with. */
export interface MeterParts {
  /** Draws responses of the policy. */
  readonly sampler: ResponseSampler;
  /** Measures them with the reference. */
  readonly tokens: TokenMeter;
  readonly team: Team;
}

/** Makes a meter of parts that others use as well. Whoever opened them disposes of them. */
export async function policyMeterWith(
  { sampler, tokens, team }: MeterParts,
  options: PolicyMeterOptions,
): Promise<Omit<PolicyMeter, 'dispose'>> {
  const { reference, greedy, prompts, signal } = options;
  const fixed = greedy && (await greedyResponses(team, options, greedy));
  const sample = async (): Promise<PolicySample> => {
    const rollouts = await collect(sampler, prompts, {
      ...options,
      samplesPerPrompt: 1,
      greedyReference: false,
      stream: 'measure',
    });
    const drawn = rewardGroups(rollouts);
    const measured = reference && (await tokens.reference(responseTokens(rollouts), true, signal));
    return {
      groups: fixed === undefined ? drawn : withReferences(drawn, fixed),
      kl: measured?.map(({ kl = [] }) => kl.reduce((sum, value) => sum + value, 0)),
    };
  };
  return {
    sample,
    async measure<Name extends string>(rewards: Readonly<Record<Name, RewardFunction>>) {
      const { groups, kl } = await sample();
      const scores: Partial<Record<Name, (number | null)[]>> = {};
      const flags = groups.map(() => ({ truncated: false, neutralized: false, unrewarded: false }));
      for (const name of Object.keys(rewards) as Name[]) {
        const ask = (own: readonly RewardGroup[]) => scoreGroups(rewards[name], own, { signal });
        const scored = (await dealOut(team, groups, ask)).flat();
        scores[name] = scored.map(({ reward }) => reward);
        for (const [flag, { reward, truncated, neutralized }] of zip(flags, scored)) {
          flag.unrewarded ||= reward === null;
          flag.truncated ||= truncated;
          flag.neutralized ||= neutralized;
        }
      }
      return {
        responses: groups.flatMap(({ responses }) => responses),
        rewards: scores as Record<Name, (number | null)[]>,
        unrewarded: flags.filter(({ unrewarded }) => unrewarded).length,
        truncated: flags.filter(({ truncated }) => truncated).length,
        neutralized: flags.filter(({ neutralized }) => neutralized).length,
        kl,
      };
    },
  };
}

function withReferences(groups: readonly RewardGroup[], references: readonly string[]): RewardGroup[] {
  return zip(groups, references).map(([group, reference]) => ({ ...group, reference }));
}

function samplerOf(
  options: PolicyMeterOptions,
  model: { readonly weights: PlacedWeights; readonly adapter?: PlacedAdapter | undefined },
): ResponseSampler {
  const { config, tokenizer, encoder, stop, device, products } = options;
  return createResponseSampler({ config, ...model, tokenizer, encoder, stop, device, products });
}

async function greedyResponses(
  team: Team,
  options: PolicyMeterOptions,
  weights: PlacedWeights,
): Promise<string[]> {
  const { prompts, maxNewTokens, signal } = options;
  const sampler = sharedSampler(team, samplerOf(options, { weights }));
  try {
    const items = prompts.map(({ id, prompt, tools }) => ({
      id,
      prompt,
      tools,
      decodings: [{ temperature: 0 }],
    }));
    const sampled = await sampler.sample(items, { maxNewTokens, signal });
    return sampled.flatMap(({ responses }) => responses.map(({ text }) => text));
  } finally {
    sampler.dispose();
  }
}
