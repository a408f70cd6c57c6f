import type { RopeScaling } from '../rope/scaling.js';

/** Positions that a layer sees: all up to its own, or the last `slidingWindow` of them. Named as in `config.json`. */
export type LayerType = 'full_attention' | 'sliding_attention';

/** Configuration of a decoder of any family: the fields of Hugging Face's `config.json` in camel case. */
export interface DecoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of the gated feed-forward layer. */
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** Heads of keys and values; each serves `numAttentionHeads / numKeyValueHeads` query heads. */
  readonly numKeyValueHeads: number;
  /** Width of one head; even, because rotary embedding turns pairs. */
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** @default none */
  readonly ropeScaling?: RopeScaling;
  /** Longest sequence in tokens. */
  readonly maxPositionEmbeddings: number;
  /**
   * Number of positions that attention sees, its own included, in the layers that have a window.
   * @default no window
   */
  readonly slidingWindow?: number;
  /** The kind of attention of each layer. @default where there is a window, all layers have it */
  readonly layerTypes?: readonly LayerType[];
  /** Whether the next-token head is the embedding matrix. */
  readonly tieWordEmbeddings: boolean;
  /** Whether the projections of attention have biases, in families that leave the choice. @default false */
  readonly attentionBias?: boolean;
  /** Whether the projections of the feed-forward layer have biases. @default false */
  readonly mlpBias?: boolean;
  /** Queries are scaled by one over its square root. @default `headDim` */
  readonly queryPreAttnScalar?: number;
  /** Scores s of attention become cap * tanh(s / cap). @default no cap */
  readonly attnLogitSoftcapping?: number;
  /** Logits z of the next token become cap * tanh(z / cap). @default no cap */
  readonly finalLogitSoftcapping?: number;
}

/** The number of positions that attention sees in a layer, or undefined where it sees all. */
export function windowOf({ slidingWindow, layerTypes }: DecoderConfig, layer: number): number | undefined {
  return layerTypes?.[layer] === 'full_attention' ? undefined : slidingWindow;
}
