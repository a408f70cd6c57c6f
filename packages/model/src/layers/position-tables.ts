import { float32, type NDArray, type RotaryTables } from '@gram/engine';
import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from '../config/llama-config.js';

/** Rotations at each position, for keys and for queries, `[P, headDim / 2]`. */
export interface PositionTables<Table = RotaryTables> {
  readonly keys: Table;
  /** Scaled by 1/sqrt(headDim), which saves scaling the scores. */
  readonly queries: Table;
}

/** Tables in host memory. They are inputs of functions that are compiled once for all lengths. */
export type PositionArrays = PositionTables<{ readonly cos: NDArray; readonly sin: NDArray }>;

/**
 * Rotary position tables (Su et al. 2021) for positions 0 to `length - 1`:
 * angle(t, i) = t / theta^(2i / headDim), computed in float64.
 */
export function positionArrays(config: LlamaConfig, length: number): PositionArrays {
  return { keys: table(config, length, 1), queries: table(config, length, 1 / Math.sqrt(config.headDim)) };
}

function table({ ropeTheta, headDim }: LlamaConfig, length: number, scale: number) {
  const half = headDim / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t / ropeTheta ** ((2 * i) / headDim);
      cos[t * half + i] = Math.cos(angle) * scale;
      sin[t * half + i] = Math.sin(angle) * scale;
    }
  }
  return { cos: float32([length, half], cos), sin: float32([length, half], sin) };
}

/** Tables as constants of a function that is compiled for one length. */
export function positionTables(config: LlamaConfig, length: number): PositionTables {
  const { keys, queries } = positionArrays(config, length);
  const constant = ({ shape, data }: NDArray) => tf.tensor2d(data as Float32Array, shape as [number, number]);
  return {
    keys: { cos: constant(keys.cos), sin: constant(keys.sin) },
    queries: { cos: constant(queries.cos), sin: constant(queries.sin) },
  };
}

/** Gives tables that are long enough, and the same arrays again until longer ones are asked for. */
export function growingPositionArrays(config: LlamaConfig): (length: number) => PositionArrays {
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
