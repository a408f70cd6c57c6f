import type { DeviceName } from '@gram/engine';
import { type ModelConfig, type Precision, scores, type Weights, weightBytes } from '@gram/model';
import type { PairEncoder } from '@gram/tokenize';
import { createForward } from './forward.js';
import { createNumberCache } from './number-cache.js';
import { sigmoid } from './probability.js';
import { rank, score } from './rank.js';
import type { Comparison, ComparisonItem, RewardModel, RunOptions } from './reward-model.js';
import { defaultBatchTokens, encodeAll, inUnitsOf, runSequences } from './run-sequences.js';

/** A response to a prompt. */
export interface ResponseItem {
  readonly prompt: string;
  readonly response: string;
  /** Names the item in errors. @default its place in the list, as in `item 3` */
  readonly id?: string;
}

/** The reward of one response. */
export interface ScoredResponse {
  /** Any real number. Only differences between responses to one prompt mean something. */
  readonly reward: number;
  /** Whether text was cut to fit the model. */
  readonly truncated: boolean;
  /** Whether text was escaped. */
  readonly neutralised: boolean;
}

/** A model that gives each response a reward of its own. */
export interface DiscriminativeRewardModel extends RewardModel {
  readonly kind: 'discriminative';
  /** Rewards r(x, y), in the order of the items. Throws as `compare`. */
  rewards(items: readonly ResponseItem[], options?: RunOptions): Promise<ScoredResponse[]>;
}

/** What a discriminative reward model is made of. */
export interface DiscriminativeOptions {
  /** Of a model with a score head. */
  readonly config: ModelConfig;
  /** In float32 on the CPU they are read at each call: weights that are updated in place are seen. */
  readonly weights: Weights;
  readonly encoder: Pick<PairEncoder, 'response'>;
  /** How the matrices of the layers are kept; integers round them. @default 'float32' */
  readonly precision?: Precision | undefined;
  /** Where to compute; the weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | undefined;
  /** The most tokens of a batch, padding included. @default 2048 on the CPU, 8192 elsewhere */
  readonly batchTokens?: number;
  /** Sequences whose results are kept for later calls. Only for weights that never change. @default 0 */
  readonly cacheEntries?: number;
}

/**
 * A discriminative reward model: r(x, y) is a function of the state at the last token of a conversation, linear or with
 * one hidden layer (`scoreHead` of the configuration), and P(a preferred to b) = sigmoid(r(x, a) - r(x, b)) (Bradley and
 * Terry 1952; Ouyang et al. 2022). Each distinct response of a call is evaluated once. Comparisons have no `orders` and are always consistent.
 *
 * `compare` throws TokenizeError `too-long` with the item's id if the encoder refuses long items, RewardError
 * `not-finite`, and the signal's reason.
 */
export function createDiscriminativeRewardModel({
  config,
  weights,
  encoder,
  precision,
  device,
  batchTokens = defaultBatchTokens(device),
  cacheEntries = 0,
}: DiscriminativeOptions): DiscriminativeRewardModel {
  const cache = createNumberCache(cacheEntries);
  const forward = createForward(config, weights, (w, states) => scores(config, w, states), {
    precision,
    device,
  });

  async function rewards(
    items: readonly ResponseItem[],
    options: RunOptions = {},
  ): Promise<ScoredResponse[]> {
    const encoded = await encodeAll(
      items,
      ({ prompt, response }, id) => encoder.response({ id, prompt, response }),
      options.signal,
    );
    const numbers = await runSequences(
      encoded.map(({ ids }) => ids),
      forward,
      { batchTokens, cache },
      options,
    );
    return encoded.map(({ truncated, neutralised }, index) => {
      return { reward: numbers[index]![0]!, truncated, neutralised };
    });
  }

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const distinct = new Map<string, ResponseItem>();
    const keyOf = (prompt: string, response: string) => JSON.stringify([prompt, response]);
    for (const [index, { prompt, a, b, id = `item ${index}` }] of items.entries()) {
      for (const response of [a, b]) {
        const key = keyOf(prompt, response);
        if (!distinct.has(key)) distinct.set(key, { id, prompt, response });
      }
    }
    const scored = await rewards([...distinct.values()], {
      signal,
      onProgress: inUnitsOf(items.length, onProgress),
    });
    const byKey = new Map([...distinct.keys()].map((key, index) => [key, scored[index]!]));
    return items.map(({ prompt, a, b }) => {
      const [first, second] = [byKey.get(keyOf(prompt, a))!, byKey.get(keyOf(prompt, b))!];
      return {
        probability: sigmoid(first.reward - second.reward),
        consistent: true,
        truncated: first.truncated || second.truncated,
        neutralised: first.neutralised || second.neutralised,
      };
    });
  }

  return {
    kind: 'discriminative',
    weightBytes: weightBytes(config, precision),
    compare,
    rewards,
    rank: (prompt, responses, options) =>
      rank({ kind: 'discriminative', compare }, prompt, responses, options),
    score: (prompt, response, reference, options) => score({ compare }, prompt, response, reference, options),
    dispose: () => forward.dispose(),
  };
}
