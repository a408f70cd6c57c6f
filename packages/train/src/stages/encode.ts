import { type Answer, conversationText, createRandom } from '@gram/base';
import type { Demonstration, PreferencePair, ResponsePair } from '@gram/data';
import type { ChatEncoder, EncodedTurn, PairEncoder } from '@gram/tokenize';
import type { RewardExample } from '../objectives/bradley-terry.js';
import type { PolicyPair } from '../objectives/policy-pairs.js';
import type { PreferenceExample } from '../objectives/preference.js';
import type { GenerationExample } from '../objectives/supervised-tokens.js';
import { areEqual, type EncodeOptions, type Examples, emptyPart, encodeAll } from './encode-all.js';

/** Options of `encodePreferences`. */
export interface EncodePreferencesOptions extends EncodeOptions {
  /** Decides where the chosen response stands. */
  readonly seed: number;
  /**
   * Whether examples have both orders of their responses, which several epochs read in turn. One epoch reads one order, and without
   * the other the tokenizer has half of the work.
   *
   * @default true
   */
  readonly bothOrders?: boolean;
}

/** Stage 1: both responses after the prompt, in the order of the record. */
export function encodeResponsePairs(
  encoder: PairEncoder,
  pairs: readonly ResponsePair[],
  options?: EncodeOptions,
): Promise<Examples<GenerationExample>> {
  const encode = async (pair: ResponsePair) => {
    const empty = emptyPart(pair.prompt, pair.responses);
    if (empty !== undefined) return empty;
    const [first, second] = pair.responses;
    const encoded = await encoder.responsePair(pair);
    if (mayBeEqual(encoded, first, second)) {
      // Nothing else tells where one response ends in these ids: only equal ones may change places unnoticed.
      const swapped = await encoder.responsePair({ ...pair, responses: [second, first] });
      if (areEqual(encoded.ids, swapped.ids)) return 'equal-once-encoded';
    }
    return asExample(encoded, turnOf(encoded));
  };
  return encodeAll(pairs, encode, options);
}

/**
 * Stage 2: judging prompts with the chosen response in a random place.
 *
 * The paper does not say where the chosen response stands; this is our choice. Of each two examples that follow each other
 * one has it first, and the seed says which. So exactly half of the labels are A, whatever the records are and however they
 * are named, and neither the order of the file nor an id tells the label. A shorter list has the places of a longer one
 * that begins with it. Every second epoch reads the other order.
 */
export async function encodePreferences(
  encoder: PairEncoder,
  pairs: readonly PreferencePair[],
  { seed, bothOrders = true, ...options }: EncodePreferencesOptions,
): Promise<Examples<PreferenceExample>> {
  const inOrder = ({ chosen, rejected, ...record }: PreferencePair, label: 0 | 1) =>
    encoder.comparison({
      ...record,
      ...(label === 0 ? { a: chosen, b: rejected } : { a: rejected, b: chosen }),
    });
  const encode = async (pair: PreferencePair, place: number) => {
    const { chosen, rejected } = pair;
    const empty = emptyPart(pair.prompt, [chosen, rejected]);
    if (empty !== undefined) return empty;
    const label = placeAt(seed, place);
    const encoded = await inOrder(pair, label);
    const needsOther = bothOrders || mayBeEqual(encoded, chosen, rejected);
    const other = needsOther ? await inOrder(pair, otherPlace(label)) : undefined;
    if (other !== undefined && areEqual(encoded.ids, other.ids)) return 'equal-once-encoded';
    return asExample(encoded, { pair, example: { ids: encoded.ids, label }, swapped: other?.ids });
  };
  const { examples, ...counts } = await encodeAll(pairs, encode, options);
  // Where a pair before it was left out, an example has another place than was thought.
  const place = async ({ pair, example, swapped }: (typeof examples)[number], index: number) => {
    const label = placeAt(seed, index);
    const { ids } = example;
    const isPlaced = label === example.label;
    const [first, second] = isPlaced ? [ids, swapped] : [swapped ?? (await inOrder(pair, label)).ids, ids];
    return { ids: first, label, ...(bothOrders && { swapped: second }) };
  };
  const placed: PreferenceExample[] = [];
  for (const [index, example] of examples.entries()) placed.push(await place(example, index));
  return { examples: placed, ...counts };
}

function otherPlace(label: 0 | 1): 0 | 1 {
  return label === 0 ? 1 : 0;
}

/** The place of the chosen response of an example: a coin for each two examples, which take different places. */
function placeAt(seed: number, index: number): 0 | 1 {
  const coin = createRandom(seed, 'placement', Math.floor(index / 2)).integer(2);
  return (coin + index) % 2 === 0 ? 0 : 1;
}

/** Supervised fine-tuning: the response after the prompt, to be written to its end token. */
export function encodeDemonstrations(
  encoder: ChatEncoder,
  demonstrations: readonly Demonstration[],
  options?: EncodeOptions,
): Promise<Examples<GenerationExample>> {
  const encode = async (demonstration: Demonstration) => {
    const empty = emptyPart(demonstration.prompt, [demonstration.response]);
    if (empty !== undefined) return empty;
    const encoded = await encoder.response(demonstration);
    return asExample(encoded, turnOf(encoded));
  };
  return encodeAll(demonstrations, encode, options);
}

/** Discriminative baseline: prompt and response, once for each side, and the pair's margin where it has one. */
export function encodeRewardPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
  options?: EncodeOptions,
): Promise<Examples<RewardExample>> {
  return encodeSides(
    encoder,
    pairs,
    ({ chosen, rejected }, { margin }) => ({
      chosen: chosen.ids,
      rejected: rejected.ids,
      ...(margin !== undefined && { margin }),
    }),
    options,
  );
}

/** Direct preference optimization and GRM: as the discriminative baseline, with the place where each response begins. */
export function encodePolicyPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
  options?: EncodeOptions,
): Promise<Examples<PolicyPair>> {
  return encodeSides(encoder, pairs, (sides) => sides, options);
}

function encodeSides<Example>(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
  exampleOf: (sides: PolicyPair, pair: PreferencePair) => Example,
  options?: EncodeOptions,
): Promise<Examples<Example>> {
  const encode = async (pair: PreferencePair) => {
    const empty = emptyPart(pair.prompt, [pair.chosen, pair.rejected]);
    if (empty !== undefined) return empty;
    const { chosen, rejected } = await encoder.pair(pair);
    if (areEqual(chosen.ids, rejected.ids)) return 'equal-once-encoded';
    const flags = {
      truncated: chosen.truncated || rejected.truncated,
      neutralized: chosen.neutralized || rejected.neutralized,
    };
    return asExample(flags, exampleOf({ chosen: turnOf(chosen), rejected: turnOf(rejected) }, pair));
  };
  return encodeAll(pairs, encode, options);
}

/** Whether two responses may be encoded alike: where they were cut, or differ in what templates trim or tokenizers normalize. */
function mayBeEqual({ truncated }: { readonly truncated: boolean }, a: Answer, b: Answer): boolean {
  return truncated || folded(a) === folded(b);
}

/** The text of a response without white space, case, accents and forms of characters, more than any normalizer takes away. */
function folded(response: Answer): string {
  return conversationText(response)
    .normalize('NFKD')
    .replace(/[\s\p{M}\p{C}]/gu, '')
    .toLowerCase();
}

function turnOf({ ids, lossFrom, lossSpans }: EncodedTurn): GenerationExample {
  return { ids, lossFrom, ...(lossSpans !== undefined && { lossSpans }) };
}

function asExample<Example>(
  { truncated, neutralized }: { readonly truncated: boolean; readonly neutralized: boolean },
  example: Example,
) {
  return { example, truncated, neutralized };
}
