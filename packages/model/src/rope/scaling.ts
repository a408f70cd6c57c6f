/** The context is stretched evenly: position t turns as t / factor (Chen et al. 2023). */
export interface LinearScaling {
  readonly type: 'linear';
  readonly factor: number;
}

/**
 * The base grows with the sequence once it is longer than the original context ("dynamic NTK"). All positions of a sequence
 * turn by the base of its length, so a longer sequence turns its first positions in another way too.
 */
export interface DynamicScaling {
  readonly type: 'dynamic';
  readonly factor: number;
  /** Context length before it was extended; up to it the base is that of the model. */
  readonly originalMaxPositionEmbeddings: number;
}

/**
 * YaRN (Peng et al. 2023): pairs that turn often within the original context stay, pairs that turn less than once are
 * stretched by `factor`, those between are blended, and queries and keys are scaled.
 */
export interface YarnScaling {
  readonly type: 'yarn';
  readonly factor: number;
  /** Context length before it was extended. */
  readonly originalMaxPositionEmbeddings: number;
  /** Pairs that turn at least so often within the original context stay. */
  readonly betaFast: number;
  /** Pairs that turn at most so often within the original context are stretched. */
  readonly betaSlow: number;
  /** The factor on the rotated queries and keys. */
  readonly attentionFactor: number;
  /** Whether the first and the last blended pair are rounded outwards to whole pairs. */
  readonly isTruncated: boolean;
}

/** Scaling of Llama 3.1 and later: long waves are stretched by `factor`, short ones stay, and those between are blended. */
export interface Llama3Scaling {
  readonly type: 'llama3';
  readonly factor: number;
  /** Waves longer than `originalMaxPositionEmbeddings / lowFreqFactor` are stretched. */
  readonly lowFreqFactor: number;
  /** Waves shorter than `originalMaxPositionEmbeddings / highFreqFactor` stay. */
  readonly highFreqFactor: number;
  /** Context length before it was extended. */
  readonly originalMaxPositionEmbeddings: number;
}

/** Change of the rotary embedding by which a model reads more than its original context, by `rope_type` of `config.json`. */
export type RopeScaling = LinearScaling | DynamicScaling | YarnScaling | Llama3Scaling;

/** The rotary embedding that is scaled. */
export interface Rope {
  /** The base theta of the angles. */
  readonly ropeTheta: number;
  /** Width of one head. */
  readonly headDim: number;
}

/** Angle from one position to the next, in radians, for each of the `headDim / 2` turning pairs: theta^(-2i / headDim). */
export function plainFrequencies({ ropeTheta, headDim }: Rope): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
}
