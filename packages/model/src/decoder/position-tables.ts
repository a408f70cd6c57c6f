import { float32, type NDArray, type RotaryTables } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/model-config.js';

/** Rotations at each position, for keys and for queries, `[P, headDim / 2]`. */
export interface PositionTables<Table = RotaryTables> {
  readonly keys: Table;
  /** Scaled by 1/sqrt(queryPreAttnScalar), for most families 1/sqrt(headDim), which saves scaling the scores. */
  readonly queries: Table;
}

/** Tables in host memory. They are inputs of functions that are compiled once for all lengths. */
export type PositionArrays = PositionTables<{ readonly cos: NDArray; readonly sin: NDArray }>;

/**
 * Rotary position tables (Su et al. 2021) for positions 0 to `length - 1`:
 * angle(t, i) = t / theta^(2i / headDim), computed in float64, with the scaling of Llama 3.1 where the
 * configuration has it.
 */
export function positionArrays(config: ModelConfig, length: number): PositionArrays {
  const { headDim, queryPreAttnScalar = headDim } = config;
  return {
    keys: table(config, length, 1),
    queries: table(config, length, 1 / Math.sqrt(queryPreAttnScalar)),
  };
}

/**
 * Angle from one position to the next, in radians, for each of the `headDim / 2` turning pairs. Under Llama 3.1's scaling
 * a wave of w positions turns `factor` times slower if w is above L / low, as before if it is below L / high, and at a mean
 * of both, weighted by (L / w - low) / (high - low), in between; L is the context length before it was extended.
 */
function frequencies({ ropeTheta, headDim, ropeScaling }: ModelConfig): number[] {
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (ropeScaling === undefined) return plain;
  const {
    factor,
    lowFreqFactor: low,
    highFreqFactor: high,
    originalMaxPositionEmbeddings: length,
  } = ropeScaling;
  return plain.map((frequency) => {
    const waves = (length * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (waves - low) / (high - low)));
    return kept * frequency + ((1 - kept) * frequency) / factor;
  });
}

function table(config: ModelConfig, length: number, scale: number) {
  const half = config.headDim / 2;
  const perPosition = frequencies(config);
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let t = 0; t < length; t++) {
    for (const [i, frequency] of perPosition.entries()) {
      const angle = t * frequency;
      cos[t * half + i] = Math.cos(angle) * scale;
      sin[t * half + i] = Math.sin(angle) * scale;
    }
  }
  return { cos: float32([length, half], cos), sin: float32([length, half], sin) };
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

/** Gives tables that are long enough, and the same arrays again until longer ones are asked for. */
export function growingPositionArrays(config: ModelConfig): (length: number) => PositionArrays {
  let known: { readonly length: number; readonly tables: PositionArrays } | undefined;
  return (length) => {
    if (known === undefined || known.length < length) {
      const longer = Math.max(length, 2 * (known?.length ?? 128));
      known = { length: longer, tables: positionArrays(config, longer) };
    }
    return known.tables;
  };
}

/** Names of the sizes that differ between calls, for `compile`. */
export const positionDimensions = { tables: ['maxPositions', null] } as const;
