import type { DeviceName } from '@gram/engine';
import { labelLogitsOf, type ModelConfig, type Precision, type Weights, weightBytes } from '@gram/model';
import type { PairEncoder } from '@gram/tokenize';
import { RewardError } from './error.js';
import { createForward } from './forward.js';
import { createNumberCache } from './number-cache.js';
import { bothOrders, type LabelLogits, sigmoid } from './probability.js';
import { rank, score } from './rank.js';
import type { Comparison, ComparisonItem, RewardModel, RunOptions } from './reward-model.js';
import { defaultBatchTokens, encodeAll, inUnitsOf, runSequences } from './run-sequences.js';

/** A model that reads the prompt and both responses and answers with a label. */
export interface GenerativeRewardModel extends RewardModel {
  readonly kind: 'generative';
}

/** What a generative reward model is made of. */
export interface GenerativeOptions {
  readonly config: ModelConfig;
  /** In float32 on the CPU they are read at each call: weights that are updated in place are seen. */
  readonly weights: Weights;
  readonly encoder: Pick<PairEncoder, 'comparison' | 'labelIds'>;
  /** How the matrices of the layers are kept; integers round them. @default 'float32' */
  readonly precision?: Precision | undefined;
  /** Where to compute; the weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | undefined;
  /** The most tokens of a batch, padding included. @default 2048 on the CPU, 8192 elsewhere */
  readonly batchTokens?: number;
  /** Sequences whose results are kept for later calls. Only for weights that never change. @default 0 */
  readonly cacheEntries?: number;
  /**
   * In how many orders a pair is judged. One halves the work and keeps what preference the model has for a position: the
   * probability then depends on which response is called a. @default 2
   */
  readonly orders?: 1 | 2 | undefined;
  /**
   * How much the probabilities of the two orders may differ at most, from 0 to 1. Where the first order is further from a tie
   * than half of it, the second can not change which response is preferred, and is left out; the probability is then that of
   * the first.
   * @default every pair is judged in both orders
   */
  readonly positionBiasBound?: number | undefined;
}

/**
 * A generative reward model (Wang et al., ICML 2025): the probability that a is preferred to b is that of the
 * first of two labels as the next token, by a softmax over the two labels alone. Every pair is judged in both
 * orders and the two probabilities are averaged. Nothing is generated: a comparison is two forward passes, which share what
 * stands before the responses.
 *
 * `compare` throws TokenizeError `too-long` with the item's id if the encoder refuses long items, RewardError
 * `not-finite`, and the signal's reason.
 *
 * @throws RewardError `bad-option` for orders or a bound that there are not
 */
export function createGenerativeRewardModel({
  config,
  weights,
  encoder,
  precision,
  device,
  batchTokens = defaultBatchTokens(device),
  cacheEntries = 0,
  orders = 2,
  positionBiasBound,
}: GenerativeOptions): GenerativeRewardModel {
  if (orders !== 1 && orders !== 2) {
    throw new RewardError('bad-option', `orders can not be ${orders}`, 'Judge in 1 order or in 2.');
  }
  if (positionBiasBound !== undefined && !(positionBiasBound >= 0 && positionBiasBound <= 1)) {
    throw new RewardError(
      'bad-option',
      `positionBiasBound can not be ${positionBiasBound}`,
      'Give a difference of probabilities, from 0 to 1.',
    );
  }
  const cache = createNumberCache(cacheEntries);
  const forward = createForward(
    config,
    weights,
    (w, states) => labelLogitsOf(config, w, states, encoder.labelIds),
    { precision, device },
  );

  /** Logits of the labels, where `a` and `b` are shown in this order. */
  async function judge(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions,
  ): Promise<Judged[]> {
    const encoded = await encodeAll(items, (item, id) => encoder.comparison({ ...item, id }), signal);
    const sequences = encoded.map(({ ids }) => ids);
    const logits = await runSequences(sequences, forward, { batchTokens, cache }, { signal, onProgress });
    return encoded.map(({ truncated, neutralised }, i) => ({
      logits: logits[i] as unknown as LabelLogits,
      truncated,
      neutralised,
    }));
  }

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const named = items.map((item, i) => ({ ...item, id: item.id ?? `item ${i}` }));
    if (orders === 2 && positionBiasBound === undefined) {
      const both = await judge(
        named.flatMap((item) => [item, swapped(item)]),
        { signal, onProgress: inUnitsOf(items.length, onProgress) },
      );
      return items.map((_, i) => inBothOrders(both[2 * i]!, both[2 * i + 1]!));
    }
    const first = await judge(named, { signal, onProgress });
    const results = first.map(inOneOrder);
    if (orders === 1) return results;
    const open = results.flatMap(({ probability }, i) =>
      Math.abs(probability - 0.5) > positionBiasBound! / 2 ? [] : [i],
    );
    const second = await judge(
      open.map((i) => swapped(named[i]!)),
      { signal },
    );
    for (const [place, i] of open.entries()) results[i] = inBothOrders(first[i]!, second[place]!);
    return results;
  }

  return {
    kind: 'generative',
    weightBytes: weightBytes(config, precision),
    compare,
    rank: (prompt, responses, options) => rank({ compare }, prompt, responses, options),
    score: (prompt, response, reference, options) => score({ compare }, prompt, response, reference, options),
    dispose: () => forward.dispose(),
  };
}

interface Judged {
  readonly logits: LabelLogits;
  readonly truncated: boolean;
  readonly neutralised: boolean;
}

const swapped = ({ a, b, ...rest }: ComparisonItem): ComparisonItem => ({ ...rest, a: b, b: a });

function inBothOrders(ab: Judged, ba: Judged): Comparison {
  return {
    ...bothOrders(ab.logits, ba.logits),
    truncated: ab.truncated || ba.truncated,
    neutralised: ab.neutralised || ba.neutralised,
  };
}

function inOneOrder({ logits, truncated, neutralised }: Judged): Comparison {
  return { probability: sigmoid(logits[0] - logits[1]), consistent: true, truncated, neutralised };
}
