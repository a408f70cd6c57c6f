import type { DecoderConfig } from '../families/decoder-config.js';
import type { Family } from '../families/family.js';
import { FAMILIES, type ModelFamily } from '../families/index.js';
import { scalingOf } from '../rope/scalings.js';

/** A decoder with a next-token head, or with one score per sequence, as Hugging Face names it. */
export type Architecture = `${ModelFamily}For${'CausalLM' | 'SequenceClassification'}`;

/** Computation of a model: a decoder and its heads. Arithmetic is float32. */
export interface ModelConfig extends DecoderConfig {
  readonly architecture: Architecture;
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
  /** Hashes of the adapters that were merged into the weights, so that none is added twice. @default none */
  readonly mergedAdapters?: readonly string[];
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

/** Traits that are peculiar to the family of a model. */
export function familyOf(config: Pick<ModelConfig, 'architecture'>): Family {
  return FAMILIES[kindOf(config).family];
}

/** The same decoder with another head. What only a model that scores can have is left out of one that does not. */
export function withHead(config: ModelConfig, head: 'next-token' | 'score'): ModelConfig {
  const { family } = kindOf(config);
  if (head === 'score') return { ...config, architecture: `${family}ForSequenceClassification` };
  const { scoreHead: _, keepsLanguageHead: __, ...decoder } = config;
  return { ...decoder, architecture: `${family}ForCausalLM` };
}

/**
 * The longest sequence, in tokens, for which the decoder was made: `maxPositionEmbeddings`, or what the scaling of its rotary
 * embedding makes of it.
 */
export function longestSequence({ maxPositionEmbeddings: length, ropeScaling }: ModelConfig): number {
  return (ropeScaling && scalingOf(ropeScaling.type).longest?.(ropeScaling, length)) ?? length;
}

/**
 * The length in tokens up to which positions are rotated alike in sequences of every length; infinite but for dynamic scaling of
 * the rotary embedding. The positions of a longer sequence are rotated by its length: it shares a batch only with sequences of
 * its own length, and no keys with any other sequence.
 */
export function sharedLength({ ropeScaling }: Pick<ModelConfig, 'ropeScaling'>): number {
  return (ropeScaling && scalingOf(ropeScaling.type).sharedLength?.(ropeScaling)) ?? Number.POSITIVE_INFINITY;
}

/** The ids that each end a text. */
export function endIds({ eosTokenId }: Pick<ModelConfig, 'eosTokenId'>): readonly number[] {
  return [eosTokenId ?? []].flat() as readonly number[];
}
