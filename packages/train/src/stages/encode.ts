import { createRandom } from '@gram/base';
import type { Demonstration, PreferencePair, ResponsePair } from '@gram/data';
import type { ChatEncoder, PairEncoder } from '@gram/tokenize';
import { elementAt } from '../checked.js';
import type { RewardExample } from '../objectives/bradley-terry.js';
import type { PolicyPair } from '../objectives/policy-pairs.js';
import type { PreferenceExample } from '../objectives/preference.js';
import type { GenerationExample } from '../objectives/token-generation.js';

/** Encoded records, and how many of them had to be cut to fit. */
export interface Examples<Example> {
  readonly examples: readonly Example[];
  readonly truncated: number;
}

async function encodeAll<Record, Example>(
  records: readonly Record[],
  encode: (record: Record) => Promise<{ example: Example; truncated: boolean }>,
): Promise<Examples<Example>> {
  const examples: Example[] = [];
  let truncated = 0;
  for (const record of records) {
    const encoded = await encode(record);
    examples.push(encoded.example);
    truncated += encoded.truncated ? 1 : 0;
  }
  return { examples, truncated };
}

/** Stage 1: both responses after the prompt, in the order of the record. */
export function encodeResponsePairs(
  encoder: PairEncoder,
  pairs: readonly ResponsePair[],
): Promise<Examples<GenerationExample>> {
  return encodeAll(pairs, async (pair) => {
    const { ids, lossFrom, truncated } = await encoder.responsePair(pair);
    return { example: { ids, lossFrom }, truncated };
  });
}

/**
 * Stage 2: judge prompts with the chosen response in a random place.
 *
 * Where the chosen response stands is drawn from the seed and the record's id, so that the label can
 * not be learned from the order of the file. The paper does not say what it does; this is our choice.
 */
export function encodePreferences(
  encoder: PairEncoder,
  pairs: readonly PreferencePair[],
  seed: number,
): Promise<Examples<PreferenceExample>> {
  return encodeAll(pairs, async ({ id, prompt, chosen, rejected }) => {
    const label = createRandom(seed, 'placement', id).integer(2) as 0 | 1;
    const [a, b] = label === 0 ? [chosen, rejected] : [rejected, chosen];
    const { ids, truncated } = await encoder.comparison({ id, prompt, a, b });
    return { example: { ids, label }, truncated };
  });
}

/** Supervised fine-tuning: the response after the prompt, to be written to its end token. */
export function encodeDemonstrations(
  encoder: ChatEncoder,
  demonstrations: readonly Demonstration[],
): Promise<Examples<GenerationExample>> {
  return encodeAll(demonstrations, async (demonstration) => {
    const { ids, lossFrom, truncated } = await encoder.response(demonstration);
    return { example: { ids, lossFrom }, truncated };
  });
}

/** Discriminative baseline: prompt and response, once for each side, and the pair's margin where it has one. */
export async function encodeRewardPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
): Promise<Examples<RewardExample>> {
  const { examples, truncated } = await encodePolicyPairs(encoder, pairs);
  return {
    examples: examples.map(({ chosen, rejected }, i) => {
      const { margin } = elementAt(pairs, i);
      return { chosen: chosen.ids, rejected: rejected.ids, ...(margin !== undefined && { margin }) };
    }),
    truncated,
  };
}

/** Direct preference optimization and GRM: as the discriminative baseline, with the place where each response begins. */
export function encodePolicyPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
): Promise<Examples<PolicyPair>> {
  return encodeAll(pairs, async ({ id, prompt, chosen, rejected }) => {
    const better = await encoder.response({ id, prompt, response: chosen });
    const worse = await encoder.response({ id, prompt, response: rejected });
    const sideOf = ({ ids, lossFrom }: typeof better): GenerationExample => ({ ids, lossFrom });
    return {
      example: { chosen: sideOf(better), rejected: sideOf(worse) },
      truncated: better.truncated || worse.truncated,
    };
  });
}
