import { int32, type NDArray } from '@gram/engine';
import { elementAt } from '../checked.js';
import { type GenerationExample, supervisedSpans } from '../examples/kinds.js';
import { type BatchArrays, type Matrix, padRows, type Rotations, type Vector } from './batch.js';

/** Sequences and places of their P supervised tokens. */
export type TokenBatch = {
  /** `[rows, length]` */
  readonly tokens: Matrix<'int32'>;
  /** `[P]`: `row * length + t`, the position that predicts each supervised token; 0 where there is none. */
  readonly positions: Vector<'int32'>;
  /** `[P]`: the supervised token; 0 where there is none. */
  readonly targets: Vector<'int32'>;
  readonly tables?: Rotations;
};

/** The arrays of a `TokenBatch` with one number for each supervised token. */
export const PER_TOKEN = ['positions', 'targets'] as const satisfies readonly (keyof TokenBatch)[];

/** The supervised tokens of a micro-batch. */
export interface SupervisedTokens extends BatchArrays<TokenBatch> {
  /** `[size]`: the row of each supervised token; 0 where there is none. */
  readonly rows: NDArray<'int32', readonly [number]>;
  /** Supervised tokens, in the order of the examples; the arrays are filled up to `size`. */
  readonly count: number;
  readonly size: number;
}

/**
 * Lays sequences out as rows and lists their supervised tokens. The list is filled up to an eighth of the batch, or
 * a multiple of it: few different sizes, so that few graphs are compiled.
 */
export function supervisedTokens(
  examples: readonly GenerationExample[],
  rows: number,
  length: number,
): SupervisedTokens {
  const positions: number[] = [];
  const targets: number[] = [];
  const rowOf: number[] = [];
  for (const [row, example] of examples.entries()) {
    for (const { start, end } of supervisedSpans(example)) {
      for (let t = start; t < end; t++) {
        positions.push(row * length + t - 1);
        targets.push(elementAt(example.ids, t));
        rowOf.push(row);
      }
    }
  }
  const unit = Math.max(1, Math.ceil((rows * length) / 8));
  const size = Math.max(1, Math.ceil(positions.length / unit)) * unit;
  const filled = (values: readonly number[]) => {
    const data = new Int32Array(size);
    data.set(values);
    return int32([size], data);
  };
  const sequences = examples.map(({ ids }) => ids);
  return {
    tokens: padRows(sequences, rows, length),
    positions: filled(positions),
    targets: filled(targets),
    rows: filled(rowOf),
    count: positions.length,
    size,
  };
}
