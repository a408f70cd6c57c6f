import { type Answer, conversationText, createRandom } from '@gram/base';
import type { Demonstration, PreferencePair, ResponsePair } from '@gram/data';
import type { ChatEncoder, EncodedTurn, PairEncoder } from '@gram/tokenize';
import { generationCodec, policyPairCodec, preferenceCodec, rewardCodec } from '../examples/codecs.js';
import type { GenerationExample, PolicyPair, PreferenceExample, RewardExample } from '../examples/kinds.js';
import {
  areEqual,
  type EncodedRecord,
  type EncodeOptions,
  type Examples,
  emptyPart,
  encodeAll,
  type RecordEncoder,
} from './encode-all.js';

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
  return encodeAll(pairs, responsePairEncoder(encoder), options);
}

/** The way in which `encodeResponsePairs` encodes. */
export function responsePairEncoder(encoder: PairEncoder): RecordEncoder<ResponsePair, GenerationExample> {
  return {
    way: { kind: 'response-pairs' },
    codec: generationCodec,
    async encode(pair) {
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
    },
  };
}

/**
 * Stage 2: judging prompts with the chosen response in a random place.
 *
 * The paper does not say where the chosen response stands; this is our choice. Of each two records that follow each other
 * one has it first, and the seed says which. So half of the labels are A, whatever the records are and however they
 * are named, and neither the order of the file nor an id tells the label. A shorter list has the places of a longer one
 * that begins with it. Every second epoch reads the other order.
 */
export function encodePreferences(
  encoder: PairEncoder,
  pairs: readonly PreferencePair[],
  { seed, bothOrders, ...options }: EncodePreferencesOptions,
): Promise<Examples<PreferenceExample>> {
  return encodeAll(pairs, preferenceEncoder(encoder, { seed, bothOrders }), options);
}

/** The way in which `encodePreferences` encodes. */
export function preferenceEncoder(
  encoder: PairEncoder,
  { seed, bothOrders = true }: Pick<EncodePreferencesOptions, 'seed' | 'bothOrders'>,
): RecordEncoder<PreferencePair, PreferenceExample> {
  const placeAt = drawPlaces(seed);
  return {
    way: { kind: 'preferences', seed, bothOrders },
    codec: preferenceCodec,
    async encode(pair, place) {
      const { chosen, rejected } = pair;
      const empty = emptyPart(pair.prompt, [chosen, rejected]);
      if (empty !== undefined) return empty;
      const label = placeAt(place);
      // Without a cut, which gives both orders anyway, only texts that are nearly equal may be encoded alike.
      const needsBoth = bothOrders || foldAlike(chosen, rejected);
      const responses = label === 0 ? { a: chosen, b: rejected } : { a: rejected, b: chosen };
      const [encoded, other] = await encoder.comparisons({ ...pair, ...responses }, { needsBoth });
      if (other !== undefined && areEqual(encoded.ids, other.ids)) return 'equal-once-encoded';
      const { ids, truncated, neutralized } = encoded;
      const example = { ids, label, ...(bothOrders && { swapped: other?.ids }), ...weightOf(pair) };
      return { example, truncated, neutralized };
    },
  };
}

/** The weight of a pair, where its record has one. */
function weightOf({ weight }: PreferencePair): { readonly weight?: number } {
  return weight === undefined ? {} : { weight };
}

/** Draws the place of the chosen response of a record: a coin for each two records, which take different places. */
function drawPlaces(seed: number): (index: number) => 0 | 1 {
  let [pair, coin] = [-1, 0];
  return (index) => {
    const own = Math.floor(index / 2);
    if (own !== pair) [pair, coin] = [own, createRandom(seed, 'placement', own).integer(2)];
    return (coin + index) % 2 === 0 ? 0 : 1;
  };
}

/** Supervised fine-tuning: the response after the prompt, to be written to its end token. */
export function encodeDemonstrations(
  encoder: ChatEncoder,
  demonstrations: readonly Demonstration[],
  options?: EncodeOptions,
): Promise<Examples<GenerationExample>> {
  return encodeAll(demonstrations, demonstrationEncoder(encoder), options);
}

/** The way in which `encodeDemonstrations` encodes. */
export function demonstrationEncoder(encoder: ChatEncoder): RecordEncoder<Demonstration, GenerationExample> {
  return {
    way: { kind: 'demonstrations' },
    codec: generationCodec,
    async encode(demonstration) {
      const empty = emptyPart(demonstration.prompt, [demonstration.response]);
      if (empty !== undefined) return empty;
      const encoded = await encoder.response(demonstration);
      return asExample(encoded, turnOf(encoded));
    },
  };
}

/** Discriminative baseline: prompt and response, once for each side, and the pair's margin where it has one. */
export function encodeRewardPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
  options?: EncodeOptions,
): Promise<Examples<RewardExample>> {
  return encodeAll(pairs, rewardPairEncoder(encoder), options);
}

/** The way in which `encodeRewardPairs` encodes. */
export function rewardPairEncoder(encoder: ChatEncoder): RecordEncoder<PreferencePair, RewardExample> {
  const exampleOf = ({ chosen, rejected }: PolicyPair, pair: PreferencePair): RewardExample => ({
    chosen: chosen.ids,
    rejected: rejected.ids,
    ...(pair.margin !== undefined && { margin: pair.margin }),
    ...weightOf(pair),
  });
  return {
    way: { kind: 'reward-pairs' },
    codec: rewardCodec,
    encode: (pair) => encodeSides(encoder, pair, exampleOf),
  };
}

/** Direct preference optimization and GRM: as the discriminative baseline, with the place where each response begins. */
export function encodePolicyPairs(
  encoder: ChatEncoder,
  pairs: readonly PreferencePair[],
  options?: EncodeOptions,
): Promise<Examples<PolicyPair>> {
  return encodeAll(pairs, policyPairEncoder(encoder), options);
}

/** The way in which `encodePolicyPairs` encodes. */
export function policyPairEncoder(encoder: ChatEncoder): RecordEncoder<PreferencePair, PolicyPair> {
  return {
    way: { kind: 'policy-pairs' },
    codec: policyPairCodec,
    encode: (pair) => encodeSides(encoder, pair, (sides) => ({ ...sides, ...weightOf(pair) })),
  };
}

async function encodeSides<Example>(
  encoder: ChatEncoder,
  pair: PreferencePair,
  exampleOf: (sides: PolicyPair, pair: PreferencePair) => Example,
): Promise<EncodedRecord<Example>> {
  const empty = emptyPart(pair.prompt, [pair.chosen, pair.rejected]);
  if (empty !== undefined) return empty;
  const { chosen, rejected } = await encoder.pair(pair);
  if (areEqual(chosen.ids, rejected.ids)) return 'equal-once-encoded';
  const flags = {
    truncated: chosen.truncated || rejected.truncated,
    neutralized: chosen.neutralized || rejected.neutralized,
  };
  return asExample(flags, exampleOf({ chosen: turnOf(chosen), rejected: turnOf(rejected) }, pair));
}

/** Whether two responses may be encoded alike: where they were cut, or differ in what templates trim or tokenizers normalize. */
function mayBeEqual({ truncated }: { readonly truncated: boolean }, a: Answer, b: Answer): boolean {
  return truncated || foldAlike(a, b);
}

/** Characters by which most responses differ. */
const BEGINNING = 64;

/** Whether two responses are the same without white space, case, accents and forms of characters. */
function foldAlike(first: Answer, second: Answer): boolean {
  const [a, b] = [conversationText(first), conversationText(second)];
  if (beginDifferently(a, b)) return false;
  // The last character of a part may have another small form within the whole, as the Greek sigma has at the end of a word.
  const [x, y] = [folded(a.slice(0, BEGINNING)).slice(0, -1), folded(b.slice(0, BEGINNING)).slice(0, -1)];
  const shared = Math.min(x.length, y.length);
  return x.slice(0, shared) === y.slice(0, shared) && folded(a) === folded(b);
}

/** Whether two texts begin with other letters or digits of ASCII, which nothing that is folded changes. */
function beginDifferently(a: string, b: string): boolean {
  const [first, second] = [a.charAt(0).toLowerCase(), b.charAt(0).toLowerCase()];
  return first !== second && /^[a-z\d]{2}$/.test(first + second);
}

/** A text without white space, case, accents and forms of characters, more than any normalizer takes away. */
function folded(text: string): string {
  return text
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
): EncodedRecord<Example> {
  return { example, truncated, neutralized };
}
