import { conversationText } from '@gram/base';
import type { RewardGroup } from '../rewards/reward.js';
import type { ResponseRewards } from '../rewards/reward-list.js';

/** A response of a step, for people to read. */
export interface Sample {
  readonly step: number;
  /** Id of the prompt. */
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  /** The greedy response, or the answer of the data where there is none. */
  readonly reference?: string;
  /** The weighted sum that the policy learns from; null for no reward. */
  readonly reward: number | null;
  /** Each reward by its name. */
  readonly rewards: Readonly<Record<string, number | null>>;
  /** KL to the reference, in nats, by the run's estimator; absent without a reference. */
  readonly kl?: number;
  /** Number of tokens. */
  readonly length: number;
}

/** Number of responses of a step that are kept. */
const SAMPLES = 8;
/** Longest text of a sample, in characters. */
const LONGEST_TEXT = 2000;

/** The first response to each of the first prompts of a step. */
export function samplesOf(
  step: number,
  groups: readonly RewardGroup[],
  {
    rewards,
    kl,
  }: { readonly rewards: readonly ResponseRewards[]; readonly kl?: readonly number[] | undefined },
): Sample[] {
  const samples: Sample[] = [];
  let place = 0;
  for (const { id, prompt, responses, lengths, reference, answer } of groups.slice(0, SAMPLES)) {
    const own = rewards[place];
    const other = reference ?? (answer === undefined ? undefined : conversationText(answer));
    samples.push({
      ...{ step, id },
      prompt: shortened(conversationText(prompt)),
      response: shortened(responses[0] ?? ''),
      ...(other !== undefined && { reference: shortened(other) }),
      reward: own?.reward ?? null,
      rewards: own?.rewards ?? {},
      ...(kl && { kl: kl[place] ?? 0 }),
      length: lengths?.[0] ?? 0,
    });
    place += responses.length;
  }
  return samples;
}

function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}...`;
}
