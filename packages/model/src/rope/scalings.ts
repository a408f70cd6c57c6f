import { z } from 'zod';
import { plainFrequencies, type Rope, type RopeScaling } from './scaling.js';

const positive = z.number().positive();

/** Everything that is peculiar to a scaling. The formulas are those of `modeling_rope_utils.py` of transformers. */
interface Scaling<S extends RopeScaling, Fields extends z.core.$ZodLooseShape> {
  /** The fields of the JSON object beside the type and the base. */
  readonly fields: Fields;
  /**
   * The scaling that the fields describe, undefined where it changes nothing, or what is wrong with the fields.
   *
   * @param maxPositionEmbeddings of the same configuration
   */
  read(
    fields: z.infer<z.ZodObject<Fields>>,
    maxPositionEmbeddings: number,
  ): Omit<S, 'type'> | undefined | string;
  /** The fields, as they are written. `read` of them gives the scaling back. */
  write(scaling: S): Record<string, unknown>;
  /**
   * Angle from one position to the next, in radians, for each turning pair.
   *
   * @param length of the sequence in tokens
   */
  frequencies(scaling: S, rope: Rope, length: number): number[];
  /** The factor on rotated queries and keys. @default 1 */
  amplitude?(scaling: S): number;
  /** Length in tokens up to which positions turn alike in sequences of every length. @default no limit */
  sharedLength?(scaling: S): number;
  /** Longest sequence in tokens for which the scaling was made. @default `maxPositionEmbeddings` */
  longest?(scaling: S, maxPositionEmbeddings: number): number;
}

type ScalingOf<Type extends RopeScaling['type']> = Extract<RopeScaling, { type: Type }>;

/** Checks the types of a scaling, and forgets those of its own fields. */
function defineScaling<S extends RopeScaling, Fields extends z.core.$ZodLooseShape>(
  scaling: Scaling<S, Fields>,
): Scaling<S, z.core.$ZodLooseShape> {
  return scaling as Scaling<S, z.core.$ZodLooseShape>;
}

const factor = { factor: positive };
const original = { original_max_position_embeddings: positive.nullish() };

const linear = defineScaling<ScalingOf<'linear'>, typeof factor>({
  fields: factor,
  read: (fields) => (fields.factor === 1 ? undefined : { factor: fields.factor }),
  write: ({ factor }) => ({ factor }),
  frequencies: (scaling, rope) => plainFrequencies(rope).map((frequency) => frequency / scaling.factor),
  longest: (scaling, length) => Math.floor(scaling.factor * length),
});

/** The base of sequences of L tokens is theta (factor L / L0 - (factor - 1))^(d / (d - 2)), with L of at least L0. */
const dynamic = defineScaling<ScalingOf<'dynamic'>, typeof factor & typeof original>({
  fields: { ...factor, ...original },
  // transformers counts from max_position_embeddings, whatever the other field says.
  read: (fields, length) => ({ factor: fields.factor, originalMaxPositionEmbeddings: length }),
  write: ({ factor }) => ({ factor }),
  frequencies({ factor, originalMaxPositionEmbeddings: shortest }, { ropeTheta, headDim }, length) {
    const growth = (factor * Math.max(length, shortest)) / shortest - (factor - 1);
    return plainFrequencies({ headDim, ropeTheta: ropeTheta * growth ** (headDim / (headDim - 2)) });
  },
  sharedLength: (scaling) => scaling.originalMaxPositionEmbeddings,
  longest: (scaling, length) => Math.floor(scaling.factor * length),
});

const yarnFields = {
  ...factor,
  ...original,
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  attention_factor: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().default(true),
};

/** The factor on attention that Peng et al. found: 0.1 m ln(factor) + 1. */
function attentionScale(factor: number, multiplier = 1): number {
  return factor <= 1 ? 1 : 0.1 * multiplier * Math.log(factor) + 1;
}

const yarn = defineScaling<ScalingOf<'yarn'>, typeof yarnFields>({
  fields: yarnFields,
  read(fields, length) {
    const { factor, mscale, mscale_all_dim: all } = fields;
    const [betaFast, betaSlow] = [fields.beta_fast ?? 32, fields.beta_slow ?? 1];
    if (betaFast < betaSlow) return 'beta_fast is below beta_slow';
    // Zero stands for none.
    const usual =
      mscale && all ? attentionScale(factor, mscale) / attentionScale(factor, all) : attentionScale(factor);
    const attentionFactor = fields.attention_factor ?? usual;
    if (!(attentionFactor > 0)) return 'mscale and mscale_all_dim give no positive factor on attention';
    if (factor === 1 && attentionFactor === 1) return undefined;
    return {
      factor,
      originalMaxPositionEmbeddings: fields.original_max_position_embeddings ?? length,
      betaFast,
      betaSlow,
      attentionFactor,
      isTruncated: fields.truncate,
    };
  },
  write: (scaling) => ({
    factor: scaling.factor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
    beta_fast: scaling.betaFast,
    beta_slow: scaling.betaSlow,
    attention_factor: scaling.attentionFactor,
    truncate: scaling.isTruncated,
  }),
  frequencies(scaling, rope) {
    const { ropeTheta, headDim } = rope;
    // The pair that turns so often within the original context.
    const pairOf = (turns: number) =>
      (headDim * Math.log(scaling.originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) /
      (2 * Math.log(ropeTheta));
    const [first, last] = [pairOf(scaling.betaFast), pairOf(scaling.betaSlow)];
    const low = Math.max(0, scaling.isTruncated ? Math.floor(first) : first);
    const high = Math.min(headDim - 1, scaling.isTruncated ? Math.ceil(last) : last);
    const width = high === low ? 0.001 : high - low;
    return plainFrequencies(rope).map((frequency, i) => {
      const stretched = Math.min(1, Math.max(0, (i - low) / width));
      return (stretched * frequency) / scaling.factor + (1 - stretched) * frequency;
    });
  },
  amplitude: (scaling) => scaling.attentionFactor,
  longest: ({ factor, originalMaxPositionEmbeddings: original }, length) =>
    Math.max(length, Math.floor(factor * original)),
});

const llama3Fields = {
  ...factor,
  low_freq_factor: positive,
  high_freq_factor: positive,
  ...original,
};

/**
 * A wave of w positions turns `factor` times slower if w is above L / low, as before if it is below L / high, and at a mean of
 * both, weighted by (L / w - low) / (high - low), in between; L is the original context length.
 */
const llama3 = defineScaling<ScalingOf<'llama3'>, typeof llama3Fields>({
  fields: llama3Fields,
  read(fields, length) {
    const { factor, low_freq_factor: low, high_freq_factor: high } = fields;
    if (high <= low) return 'high_freq_factor is not above low_freq_factor';
    if (factor === 1) return undefined;
    return {
      factor,
      lowFreqFactor: low,
      highFreqFactor: high,
      originalMaxPositionEmbeddings: fields.original_max_position_embeddings ?? length,
    };
  },
  write: (scaling) => ({
    factor: scaling.factor,
    low_freq_factor: scaling.lowFreqFactor,
    high_freq_factor: scaling.highFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
  }),
  frequencies(scaling, rope) {
    const { factor, lowFreqFactor: low, highFreqFactor: high } = scaling;
    return plainFrequencies(rope).map((frequency) => {
      const waves = (scaling.originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (waves - low) / (high - low)));
      return kept * frequency + ((1 - kept) * frequency) / factor;
    });
  },
});

/** The scalings by `rope_type`. Nothing else names one. */
export const ROPE_SCALINGS = { linear, dynamic, yarn, llama3 } satisfies {
  [Type in RopeScaling['type']]: Scaling<ScalingOf<Type>, z.core.$ZodLooseShape>;
};

/** Everything that is peculiar to the type of a scaling. */
export function scalingOf(type: RopeScaling['type']): Scaling<RopeScaling, z.core.$ZodLooseShape> {
  // The entry of a type is asked about scalings of that type only.
  return ROPE_SCALINGS[type] as Scaling<RopeScaling, z.core.$ZodLooseShape>;
}
