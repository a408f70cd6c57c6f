import type { DeviceName, Precision } from '@gram/engine';
import {
  type Adapter,
  type FixedWeights,
  type ModelConfig,
  scores,
  type WeightPrecision,
  type Weights,
  weightBytes,
} from '@gram/model';
import {
  type Comparison,
  type ComparisonItem,
  checkTexts,
  type ResponseItem,
  type RewardModel,
  type RunOptions,
  rewardModelFromComparator,
  type ScoredResponse,
  sigmoid,
} from '@gram/ranking';
import type { Encoded, ResponsesToEncode } from '@gram/tokenize';
import { createForward } from '../sequences/forward.js';
import { createNumberCache } from '../sequences/number-cache.js';
import { defaultBatchTokens, encodeAll, runSequences, scaledProgress } from '../sequences/run-sequences.js';
import { taken } from '../taken.js';

/** A model that gives each response a reward of its own. */
export interface DiscriminativeRewardModel extends RewardModel {
  readonly kind: 'discriminative';
  /**
   * Returns the rewards r(x, y), in the order of the items. Where a response does not fit, the prompt is cut alike in front of all
   * responses of the call to it, so that they stay comparable. Throws as `compare` does.
   */
  rewards(items: readonly ResponseItem[], options?: RunOptions): Promise<ScoredResponse[]>;
}

/** Options of `createDiscriminativeRewardModel`. */
export interface DiscriminativeOptions {
  /** Configuration of a model with a score head. */
  readonly config: ModelConfig;
  /** In float32 on the CPU they are read at each call, so that updates in place are seen. */
  readonly weights: Weights | FixedWeights;
  /** Encodes the responses to one prompt, and cuts the prompt alike in front of all; the score is read at the last id of each. */
  readonly encoder: {
    responses(record: ResponsesToEncode): Promise<readonly Encoded[]>;
  };
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
}

/**
 * Creates a discriminative reward model: r(x, y) is a function of the state at the last token of a conversation, linear or with
 * one hidden layer (`scoreHead` of the configuration), and P(a preferred to b) = sigmoid(r(x, a) - r(x, b)) (Bradley and
 * Terry 1952; Ouyang et al. 2022). Each distinct response of a call is evaluated once. Comparisons have no `orders` and are
 * always consistent.
 *
 * `compare` throws TokenizeError `too-long` with the item's id if the encoder refuses long items, RewardError `not-finite`, and
 * the reason of the signal.
 */
export function createDiscriminativeRewardModel({
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
}: DiscriminativeOptions): DiscriminativeRewardModel {
  const cache = createNumberCache(cacheEntries);
  const forward = createForward(config, weights, (w, states) => scores(config, w, states), {
    precision,
    products,
    prepack,
    device,
    adapter,
  });

  async function rewards(
    items: readonly ResponseItem[],
    options: RunOptions = {},
  ): Promise<ScoredResponse[]> {
    checkTexts(items, ['prompt', 'response']);
    const encoded = await encodeAlike(items, encoder, options.signal);
    const sequences = encoded.map(({ ids }) => ids);
    const numbers = (await runSequences(sequences, forward, { batchTokens, cache }, options)).values();
    return encoded.map(({ truncated, neutralized }) => {
      const [reward = Number.NaN] = taken(numbers);
      return { reward, truncated, neutralized };
    });
  }

  const compare = (items: readonly ComparisonItem[], options: RunOptions = {}) =>
    compareByRewards(rewards, items, options);
  const model = rewardModelFromComparator(
    { kind: 'discriminative', compare },
    { weightBytes: weightBytes(config, precision), dispose: () => forward.dispose() },
  );
  return { ...model, kind: 'discriminative', rewards };
}

/** The responses of a call to one prompt, with their places in the call. */
interface PromptGroup extends Pick<ResponseItem, 'id' | 'prompt' | 'tools'> {
  readonly responses: (Required<Pick<ResponseItem, 'id' | 'response'>> & { readonly place: number })[];
}

/** Encodes responses, those to one prompt together. */
async function encodeAlike(
  items: readonly ResponseItem[],
  encoder: DiscriminativeOptions['encoder'],
  signal: AbortSignal | undefined,
): Promise<Encoded[]> {
  const byPrompt = new Map<string, PromptGroup>();
  for (const [place, { id = `item ${place}`, prompt, tools, response }] of items.entries()) {
    const key = JSON.stringify([prompt, tools]);
    const group = byPrompt.get(key) ?? { id, prompt, tools, responses: [] };
    group.responses.push({ id, response, place });
    byPrompt.set(key, group);
  }
  const encoded: Encoded[] = new Array(items.length);
  const encode = async (group: PromptGroup) => {
    const found = (await encoder.responses(group)).values();
    for (const { place } of group.responses) encoded[place] = taken(found);
  };
  await encodeAll([...byPrompt.values()], encode, signal);
  return encoded;
}

/** Compares the responses of each item by their rewards, each distinct response being scored once. */
async function compareByRewards(
  rewards: DiscriminativeRewardModel['rewards'],
  items: readonly ComparisonItem[],
  { signal, onProgress }: RunOptions,
): Promise<Comparison[]> {
  const positions = new Map<string, number>();
  const distinct: ResponseItem[] = [];
  const positionOf = (item: ResponseItem) => {
    const key = JSON.stringify([item.prompt, item.tools, item.response]);
    const position = positions.get(key) ?? distinct.push(item) - 1;
    positions.set(key, position);
    return position;
  };
  const pairs = items.map(({ a, b, ...item }, index) => {
    const named = { ...item, id: item.id ?? `item ${index}` };
    return [positionOf({ ...named, response: a }), positionOf({ ...named, response: b })] as const;
  });
  const scored = await rewards(distinct, {
    signal,
    onProgress: scaledProgress(items.length, onProgress),
  });
  return pairs.map(([a, b]) => {
    const [first, second] = [scored[a], scored[b]];
    if (first === undefined || second === undefined) throw new RangeError('a response has no reward');
    return {
      probability: sigmoid(first.reward - second.reward),
      consistent: true,
      truncated: first.truncated || second.truncated,
      neutralized: first.neutralized || second.neutralized,
    };
  });
}
