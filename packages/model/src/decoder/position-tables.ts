import { float32, type NDArray, type RotaryTables } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { type ModelConfig, sharedLength } from '../config/model-config.js';
import { plainFrequencies } from '../rope/scaling.js';
import { scalingOf } from '../rope/scalings.js';

/** Rotations at each position, for keys and for queries, `[P, headDim / 2]`. */
export interface PositionTables<Table = RotaryTables> {
  readonly keys: Table;
  /** Scaled by 1/sqrt(queryPreAttnScalar), for most families 1/sqrt(headDim), which saves scaling the scores. */
  readonly queries: Table;
}

/** Tables in host memory. They are inputs of functions that are compiled once for all lengths. */
export type PositionArrays = PositionTables<{ readonly cos: NDArray; readonly sin: NDArray }>;

/**
 * Rotary position tables (Su et al. 2021) for all positions of sequences of `length` tokens: angle(t, i) = t f(i), computed in
 * float64, where f is theta^(-2i / headDim) or what the scaling of the configuration makes of it.
 *
 * Dynamic scaling changes f with the length of the sequence: for a batch, `length` is that to which it is padded, as in
 * transformers, and tables of another length give other numbers once either is above `sharedLength`.
 */
export function positionArrays(config: ModelConfig, length: number): PositionArrays {
  const frequencies = frequenciesOf(config, length);
  return arraysOf(config, length, () => frequencies);
}

/**
 * Rotary position tables for `continueAt`, which adds one token after the other: position t turns as the last one of a sequence of
 * t + 1 tokens. They differ from `positionArrays` under dynamic scaling only: as in transformers, the keys of a cache stay as they
 * were rotated when the sequence was shorter, so that a continued sequence has other numbers than the same sequence read at once.
 */
export function continuationArrays(config: ModelConfig, length: number): PositionArrays {
  if (length <= sharedLength(config)) return positionArrays(config, length);
  return arraysOf(config, length, (position) => frequenciesOf(config, position + 1));
}

function frequenciesOf(config: ModelConfig, length: number): readonly number[] {
  const { ropeScaling } = config;
  if (ropeScaling === undefined) return plainFrequencies(config);
  return scalingOf(ropeScaling.type).frequencies(ropeScaling, config, length);
}

function arraysOf(
  config: ModelConfig,
  length: number,
  frequenciesAt: (position: number) => readonly number[],
): PositionArrays {
  const { headDim, queryPreAttnScalar = headDim, ropeScaling } = config;
  const amplitude = (ropeScaling && scalingOf(ropeScaling.type).amplitude?.(ropeScaling)) ?? 1;
  const half = headDim / 2;
  const table = (scale: number) => {
    const cos = new Float32Array(length * half);
    const sin = new Float32Array(length * half);
    for (let t = 0; t < length; t++) {
      for (const [i, frequency] of frequenciesAt(t).entries()) {
        cos[t * half + i] = Math.cos(t * frequency) * scale;
        sin[t * half + i] = Math.sin(t * frequency) * scale;
      }
    }
    return { cos: float32([length, half], cos), sin: float32([length, half], sin) };
  };
  return { keys: table(amplitude), queries: table(amplitude / Math.sqrt(queryPreAttnScalar)) };
}

/** Tables as constants of a function that is compiled for one length. */
export function positionTables(config: ModelConfig, length: number): PositionTables {
  const { keys, queries } = positionArrays(config, length);
  const constant = ({ shape, data }: NDArray) => tf.tensor2d(data as Float32Array, shape as [number, number]);
  return {
    keys: { cos: constant(keys.cos), sin: constant(keys.sin) },
    queries: { cos: constant(queries.cos), sin: constant(queries.sin) },
  };
}

/**
 * Gives tables of `positionArrays` that are long enough, and the same arrays again until longer ones are asked for. Above
 * `sharedLength`, where a length has tables of its own, they are those of exactly that length.
 */
export function growingPositionArrays(config: ModelConfig): (length: number) => PositionArrays {
  const shared = growing((length) => positionArrays(config, length), sharedLength(config));
  let own: { readonly length: number; readonly tables: PositionArrays } | undefined;
  return (length) => {
    if (length <= sharedLength(config)) return shared(length);
    if (own?.length !== length) own = { length, tables: positionArrays(config, length) };
    return own.tables;
  };
}

/** Gives tables of `continuationArrays` that are long enough, and the same arrays again until longer ones are asked for. */
export function growingContinuationArrays(config: ModelConfig): (length: number) => PositionArrays {
  return growing((length) => continuationArrays(config, length));
}

function growing(
  make: (length: number) => PositionArrays,
  longest = Number.POSITIVE_INFINITY,
): (length: number) => PositionArrays {
  let known: { readonly length: number; readonly tables: PositionArrays } | undefined;
  return (length) => {
    if (known === undefined || known.length < length) {
      const longer = Math.min(longest, Math.max(length, 2 * (known?.length ?? 128)));
      known = { length: longer, tables: make(longer) };
    }
    return known.tables;
  };
}

/** Names of the sizes that differ between calls, for `compile`. */
export const positionDimensions = { tables: ['maxPositions', null] } as const;
