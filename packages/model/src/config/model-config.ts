/** The decoders that are known. They differ in biases and in norms of queries and keys, see `decoder.ts`. */
export const MODEL_FAMILIES = ['Llama', 'Mistral', 'Qwen2', 'Qwen3'] as const;
export type ModelFamily = (typeof MODEL_FAMILIES)[number];

/** A decoder with a next-token head, or with one score per sequence, as Hugging Face names it. */
export type Architecture = `${ModelFamily}For${'CausalLM' | 'SequenceClassification'}`;

/**
 * Rotary scaling of Llama 3.1 and later: long waves are stretched by `factor`, short ones stay, and those between are
 * blended.
 */
export interface RopeScaling {
  readonly factor: number;
  /** Waves longer than `originalMaxPositionEmbeddings / lowFreqFactor` are stretched. */
  readonly lowFreqFactor: number;
  /** Waves shorter than `originalMaxPositionEmbeddings / highFreqFactor` stay. */
  readonly highFreqFactor: number;
  /** Context length before it was extended. */
  readonly originalMaxPositionEmbeddings: number;
}

/**
 * What a decoder computes: what `config.json` of Hugging Face says, in camel case. Arithmetic is float32.
 */
export interface ModelConfig {
  readonly architecture: Architecture;
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
  /** Positions that attention reaches back (Mistral). Longer sequences are refused, see `longestSequence`. */
  readonly slidingWindow?: number;
  /** Whether the next-token head is the embedding matrix. */
  readonly tieWordEmbeddings: boolean;
  /**
   * Whether the four projections of attention have biases (Llama and Qwen3). Qwen2 always has those of queries, keys
   * and values. @default false
   */
  readonly attentionBias?: boolean;
  /** Whether the three projections of the feed-forward layer have biases (Llama). @default false */
  readonly mlpBias?: boolean;
  /**
   * A score head with a hidden layer, `hiddenSize` wide: r = W2 relu(W1 h + b1) + b2 (GRM, Yang et al. 2024, has 1024).
   * transformers knows no such head; `config.json` then names a type of ours, which it refuses to load.
   * @default a linear head without bias, as transformers has it
   */
  readonly scoreHead?: { readonly hiddenSize: number };
  /**
   * Whether a model that scores also keeps its next-token head, for objectives that train both over one decoder. A tied head
   * is there in any case. transformers loads such a model as one that scores, and leaves the other head out.
   * @default false
   */
  readonly keepsLanguageHead?: boolean;
  readonly bosTokenId?: number;
  /** One id, or several that each end a text. */
  readonly eosTokenId?: number | readonly number[];
  readonly padTokenId?: number;
}

/** The family of a model, and whether its head gives the next token or a score. */
export function kindOf({ architecture }: Pick<ModelConfig, 'architecture'>): {
  family: ModelFamily;
  head: 'next-token' | 'score';
} {
  const [family, head] = architecture.split('For') as [ModelFamily, string];
  return { family, head: head === 'CausalLM' ? 'next-token' : 'score' };
}

/** The same decoder with another head. What only a model that scores can have is left out of one that does not. */
export function withHead(config: ModelConfig, head: 'next-token' | 'score'): ModelConfig {
  const { family } = kindOf(config);
  if (head === 'score') return { ...config, architecture: `${family}ForSequenceClassification` };
  const { scoreHead: _, keepsLanguageHead: __, ...decoder } = config;
  return { ...decoder, architecture: `${family}ForCausalLM` };
}

/**
 * The longest sequence, in tokens, for which the decoder is what the authors trained: within one sliding window, causal
 * attention is all that there is.
 */
export function longestSequence({ maxPositionEmbeddings, slidingWindow }: ModelConfig): number {
  return Math.min(maxPositionEmbeddings, slidingWindow ?? maxPositionEmbeddings);
}

/** Ids that each end a text. */
export function endIds({ eosTokenId }: Pick<ModelConfig, 'eosTokenId'>): readonly number[] {
  return [eosTokenId ?? []].flat() as readonly number[];
}
