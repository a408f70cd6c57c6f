import type { DeviceName, Precision } from '@gram/engine';
import {
  type Adapter,
  type FixedWeights,
  labelLogitsOf,
  labelLogProbabilitiesOf,
  type ModelConfig,
  type WeightPrecision,
  type Weights,
  weightBytes,
} from '@gram/model';
import {
  type Comparison,
  type ComparisonItem,
  RewardError,
  type RewardModel,
  type RunOptions,
  rewardModelFromComparator,
  sigmoid,
} from '@gram/ranking';
import type { PairEncoder } from '@gram/tokenize';
import { createForward } from '../sequences/forward.js';
import { createNumberCache } from '../sequences/number-cache.js';
import { defaultBatchTokens, encodeAll, runSequences, scaledProgress } from '../sequences/run-sequences.js';
import { taken } from '../taken.js';
import { bothOrders, type LabelLogits } from './both-orders.js';

/** A reward model that reads the prompt and both responses and answers with a label. */
export interface GenerativeRewardModel extends RewardModel {
  readonly kind: 'generative';
}

/** Options of `createGenerativeRewardModel`. */
export interface GenerativeOptions {
  readonly config: ModelConfig;
  /** In float32 on the CPU they are read at each call: weights that are updated in place are seen. */
  readonly weights: Weights | FixedWeights;
  readonly encoder: Pick<PairEncoder, 'comparison' | 'labelIds'>;
  /** A low-rank adapter over the weights, which may belong to other models as well. It is read at each call. @default none */
  readonly adapter?: Adapter | undefined;
  /** Storage of the matrices of the layers; integers round them. @default 'float32' */
  readonly precision?: WeightPrecision | undefined;
  /**
   * Precision of matrix products, where the device has it: `cuda` has `tf32`, `bfloat16` and `float16`. @default 'float32'
   */
  readonly products?: Precision | undefined;
  /** Whether the CPU packs weights of `openModel` in float32, see `LoadOptions`. @default true */
  readonly prepack?: boolean | undefined;
  /** Device that computes; the weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | undefined;
  /** Maximum number of tokens of a batch, padding included. @default 2048 on the CPU, 8192 elsewhere */
  readonly batchTokens?: number;
  /** Number of sequences whose results are kept for later calls. Use it only for weights that never change. @default 0 */
  readonly cacheEntries?: number;
  /**
   * Number of orders in which a pair is judged. One halves the work and keeps the preference that the model has for a
   * position: the probability then depends on which response is called a. @default 2
   */
  readonly orders?: 1 | 2 | undefined;
  /**
   * Bound on the difference between the probabilities of the two orders, from 0 to 1. Where the first order is further from a
   * tie than half of it, the second cannot change which response is preferred, and is left out; the probability is then that
   * of the first.
   * @default every pair is judged in both orders
   */
  readonly positionBiasBound?: number | undefined;
  /**
   * Whether results also have the scores of the paper, `vocabularyScores`, for which the whole head is computed. Both orders are
   * judged then. The probability stays that over the two labels, as in the evaluator that was released. @default false
   */
  readonly vocabularyScores?: boolean | undefined;
}

/**
 * Creates a generative reward model (Wang et al., ICML 2025): the probability that a is preferred to b is that of the first of
 * two labels as the next token, by a softmax over the two labels alone. Every pair is judged in both orders and the two
 * probabilities are averaged. Nothing is generated: a comparison is two forward passes, which share what stands before the
 * responses.
 *
 * `compare` throws TokenizeError `too-long` with the item's id if the encoder refuses long items, RewardError `not-finite`, and
 * the reason of the signal.
 *
 * @throws RewardError `bad-option` for orders other than 1 or 2, a bound outside [0, 1], or `vocabularyScores` without both orders
 */
export function createGenerativeRewardModel(options: GenerativeOptions): GenerativeRewardModel {
  const { orders = 2, positionBiasBound, vocabularyScores = false } = options;
  checkOrders(orders, positionBiasBound);
  if (vocabularyScores && (orders === 1 || positionBiasBound !== undefined)) {
    throw new RewardError(
      'bad-option',
      'vocabularyScores are means over both orders',
      'leave out orders and positionBiasBound',
    );
  }
  const { judge, dispose } = createPairJudge(options);

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const named = items.map((item, i) => ({ ...item, id: item.id ?? `item ${i}` }));
    if (orders === 2 && positionBiasBound === undefined) {
      const both = await judge(
        named.flatMap((item) => [item, swapped(item)]),
        { signal, onProgress: scaledProgress(items.length, onProgress) },
      );
      const results = both.values();
      return items.map(() => {
        const [ab, ba] = [taken(results), taken(results)];
        return { ...inBothOrders(ab, ba), ...(vocabularyScores && { vocabularyScores: scoresOf(ab, ba) }) };
      });
    }
    const first = await judge(named, { signal, onProgress });
    if (orders === 1) return first.map(inOneOrder);
    const isDecided = (ab: JudgedPair) =>
      Math.abs(inOneOrder(ab).probability - 0.5) > (positionBiasBound ?? 1) / 2;
    const open = first.filter((ab) => !isDecided(ab));
    const second = await judge(
      open.map(({ item }) => swapped(item)),
      { signal },
    );
    const results = second.values();
    return first.map((ab) => (isDecided(ab) ? inOneOrder(ab) : inBothOrders(ab, taken(results))));
  }

  const model = rewardModelFromComparator(
    { kind: 'generative', compare },
    { weightBytes: weightBytes(options.config, options.precision), dispose },
  );
  return { ...model, kind: 'generative' };
}

/** An item with the name that errors use. */
type NamedItem = ComparisonItem & { readonly id: string };

/** A pair that was judged in one order. */
interface JudgedPair {
  readonly item: NamedItem;
  readonly logits: LabelLogits;
  readonly truncated: boolean;
  readonly neutralized: boolean;
}

/** Judges pairs as they are shown: logits or log-probabilities of the labels, where `a` stands before `b`. */
function createPairJudge({
  config,
  weights,
  encoder,
  precision,
  products,
  prepack,
  device,
  adapter,
  batchTokens = defaultBatchTokens(device),
  cacheEntries = 0,
  vocabularyScores = false,
}: GenerativeOptions) {
  // A softmax over the two labels is the same for logits and for log-probabilities.
  const numbersOf = vocabularyScores ? labelLogProbabilitiesOf : labelLogitsOf;
  const cache = createNumberCache(cacheEntries);
  const forward = createForward(
    config,
    weights,
    (w, states) => numbersOf(config, w, states, encoder.labelIds),
    { precision, products, prepack, device, adapter },
  );
  return {
    async judge(items: readonly NamedItem[], { signal, onProgress }: RunOptions): Promise<JudgedPair[]> {
      const encoded = await encodeAll(
        items,
        async (item, id) => ({ item, ...(await encoder.comparison({ ...item, id })) }),
        signal,
      );
      const sequences = encoded.map(({ ids }) => ids);
      const numbers = await runSequences(sequences, forward, { batchTokens, cache }, { signal, onProgress });
      const logits = numbers.values();
      return encoded.map(({ item, truncated, neutralized }) => {
        const [first = Number.NaN, second = Number.NaN] = taken(logits);
        return { item, logits: [first, second], truncated, neutralized };
      });
    },
    dispose: () => forward.dispose(),
  };
}

function checkOrders(orders: number, positionBiasBound: number | undefined): void {
  if (orders !== 1 && orders !== 2) {
    throw new RewardError('bad-option', `orders cannot be ${orders}`, 'judge in 1 order or in 2');
  }
  if (positionBiasBound !== undefined && !(positionBiasBound >= 0 && positionBiasBound <= 1)) {
    throw new RewardError(
      'bad-option',
      `positionBiasBound cannot be ${positionBiasBound}`,
      'give a difference of probabilities, from 0 to 1',
    );
  }
}

function swapped(item: NamedItem): NamedItem {
  return { ...item, a: item.b, b: item.a };
}

function inBothOrders(ab: JudgedPair, ba: JudgedPair): Comparison {
  return {
    ...bothOrders(ab.logits, ba.logits),
    truncated: ab.truncated || ba.truncated,
    neutralized: ab.neutralized || ba.neutralized,
  };
}

function inOneOrder({ logits, truncated, neutralized }: JudgedPair): Comparison {
  return { probability: sigmoid(logits[0] - logits[1]), consistent: true, truncated, neutralized };
}

/** The scores of both responses, from log-probabilities in both orders. */
function scoresOf({ logits: ab }: JudgedPair, { logits: ba }: JudgedPair): [number, number] {
  return [(Math.exp(ab[0]) + Math.exp(ba[1])) / 2, (Math.exp(ab[1]) + Math.exp(ba[0])) / 2];
}
