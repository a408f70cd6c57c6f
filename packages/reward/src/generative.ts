import { labelLogits, type ModelConfig, type Precision, type Weights, weightBytes } from '@gram/model';
import type { PairEncoder } from '@gram/tokenize';
import { createForward, DEFAULT_BATCH_TOKENS, encodeAll, inUnitsOf, runSequences } from './forward.js';
import { bothOrders, type LabelLogits } from './probability.js';
import { rank, score } from './rank.js';
import type { Comparison, ComparisonItem, RewardModel, RunOptions } from './reward-model.js';

/** A model that reads the prompt and both responses and answers with a label. */
export interface GenerativeRewardModel extends RewardModel {
  readonly kind: 'generative';
}

/** What a generative reward model is made of. */
export interface GenerativeOptions {
  readonly config: ModelConfig;
  /** In float32 they are read at each call: weights that are updated in place are seen. */
  readonly weights: Weights;
  readonly encoder: Pick<PairEncoder, 'comparison' | 'labelIds'>;
  /** How the matrices of the layers are kept; integers round them. @default 'float32' */
  readonly precision?: Precision;
  /** The most tokens of a batch, padding included. @default 8192 */
  readonly batchTokens?: number;
}

/**
 * A generative reward model (Wang et al., ICML 2025): the probability that a is preferred to b is that of the
 * first of two labels as the next token, by a softmax over the two labels alone. Every pair is judged in both
 * orders and the two probabilities are averaged. Nothing is generated: a comparison is two forward passes.
 *
 * `compare` throws TokenizeError `too-long` with the item's id if the encoder refuses long items, RewardError
 * `not-finite`, and the signal's reason.
 */
export function createGenerativeRewardModel({
  config,
  weights,
  encoder,
  precision,
  batchTokens = DEFAULT_BATCH_TOKENS,
}: GenerativeOptions): GenerativeRewardModel {
  const forward = createForward(
    config,
    weights,
    (w, tokens, last, tables) => labelLogits(config, w, tokens, last, encoder.labelIds, tables),
    precision,
  );

  async function compare(
    items: readonly ComparisonItem[],
    { signal, onProgress }: RunOptions = {},
  ): Promise<Comparison[]> {
    const encoded = await encodeAll(
      items,
      async ({ prompt, a, b }, id) => {
        return Promise.all([
          encoder.comparison({ id, prompt, a, b }),
          encoder.comparison({ id, prompt, a: b, b: a }),
        ]);
      },
      signal,
    );
    const logits = await runSequences(
      encoded.flatMap((orders) => orders.map(({ ids }) => ids)),
      forward,
      batchTokens,
      { signal, onProgress: inUnitsOf(items.length, onProgress) },
    );
    return encoded.map((orders, index) => ({
      ...bothOrders(
        logits[2 * index] as unknown as LabelLogits,
        logits[2 * index + 1] as unknown as LabelLogits,
      ),
      truncated: orders.some((order) => order.truncated),
      neutralised: orders.some((order) => order.neutralised),
    }));
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
