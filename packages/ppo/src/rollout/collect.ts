import { createRandom, zip } from '@gram/base';
import type { Decoding } from '@gram/model';
import type { ResponseSampler, SampledResponse } from '@gram/reward';
import type { SamplingOptions } from '../options.js';
import type { RewardGroup } from '../rewards/reward.js';
import type { RunPrompt } from './run-prompt.js';

/** A prompt with the responses that the policy drew. */
export interface Rollout {
  readonly prompt: RunPrompt;
  readonly promptIds: readonly number[];
  /** Whether the prompt was cut to fit the policy. */
  readonly truncated: boolean;
  /** Whether control tokens that the prompt spells were taken for ordinary text. */
  readonly neutralized: boolean;
  readonly responses: readonly SampledResponse[];
  /** The policy's greedy response, where one was asked for. */
  readonly reference?: string;
}

/** Options of `collect`. */
export interface CollectOptions {
  readonly samplesPerPrompt: number;
  readonly sampling: SamplingOptions;
  /** Whether the greedy response is drawn too. */
  readonly greedyReference: boolean;
  readonly maxNewTokens: number;
  readonly seed: number;
  /** Names the random streams: with the prompt's id and the sample's number it decides every draw. */
  readonly stream: string | number;
  readonly signal?: AbortSignal;
}

/** Draws responses to prompts, and the greedy ones beside them; prompts are read once for both. */
export async function collect(
  sampler: Pick<ResponseSampler, 'sample'>,
  prompts: readonly RunPrompt[],
  options: CollectOptions,
): Promise<Rollout[]> {
  const { samplesPerPrompt, sampling, greedyReference, maxNewTokens, seed, stream, signal } = options;
  const items = prompts.map(({ id, prompt, tools }, place) => {
    const samples = Array.from(
      { length: samplesPerPrompt },
      // The place too, because a prompt may occur twice in a step.
      (_, sample): Decoding => ({
        ...sampling,
        random: createRandom(seed, 'sample', stream, id, place, sample),
      }),
    );
    return { id, prompt, tools, decodings: greedyReference ? [...samples, { temperature: 0 }] : samples };
  });
  const sampled = await sampler.sample(items, { maxNewTokens, signal });
  return zip(prompts, sampled).map(([prompt, { responses, ...read }]) => {
    const [greedy] = responses.slice(samplesPerPrompt);
    return {
      prompt,
      ...read,
      responses: responses.slice(0, samplesPerPrompt),
      ...(greedy !== undefined && { reference: greedy.text }),
    };
  });
}

/** Gives the prompts and texts of rollouts as a reward function takes them. */
export function rewardGroups(rollouts: readonly Rollout[]): RewardGroup[] {
  return rollouts.map(({ prompt: { id, prompt, tools, answer, fields }, responses, reference }) => ({
    id,
    prompt,
    ...(tools !== undefined && { tools }),
    responses: responses.map(({ text }) => text),
    lengths: responses.map(({ ids }) => ids.length),
    ended: responses.map(({ finished }) => finished === 'stop'),
    ...(answer !== undefined && { answer }),
    ...(fields !== undefined && { fields }),
    ...(reference !== undefined && { reference }),
  }));
}

/** Gives the token ids of the responses of rollouts, in order, each after its prompt, and how they ended. */
export function responseTokens(rollouts: readonly Rollout[]) {
  return rollouts.flatMap(({ promptIds, responses }) =>
    responses.map(({ ids, logProbabilities, finished }) => ({
      ids: [...promptIds, ...ids],
      lossFrom: promptIds.length,
      logProbabilities,
      finished,
    })),
  );
}
