import { type DType, float32, int32, type NDArray } from '@gram/engine';
import type { PositionArrays, PositionTables, Weights, WeightTensors } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { elementAt } from '../checked.js';

/** Element type and number of axes of an array. */
export interface ArrayKind<D extends DType = DType, Rank extends number = number> {
  readonly dtype: D;
  readonly rank: Rank;
}

/** An array with one axis. */
export type Vector<D extends DType> = ArrayKind<D, 1>;

/** An array with two axes. */
export type Matrix<D extends DType> = ArrayKind<D, 2>;

/** Weights of a whole model that an objective reads and does not train. */
export interface FrozenModel {
  readonly frozen: true;
}

/** Rotations of at least as many positions as a batch has, for a graph that serves all lengths. */
export interface Rotations {
  readonly rotations: true;
}

/**
 * The shape of a batch: its names, each with what stands under it. Every batch has its sequences, `[rows, length]`, as
 * `tokens`, and gets `tables` where it runs through a graph for all lengths; elsewhere they are constants of its graph.
 */
export type BatchShape = {
  readonly tokens: Matrix<'int32'>;
  readonly tables?: Rotations;
  readonly [name: string]: ArrayKind | FrozenModel | Rotations | undefined;
};

/** The arrays of a batch of a shape. */
export type BatchArrays<Shape = BatchShape> = { readonly [Name in keyof Shape]: ArrayOf<Shape[Name]> };

/** The tensors of a batch of a shape. */
export type BatchTensors<Shape = BatchShape> = { readonly [Name in keyof Shape]: TensorOf<Shape[Name]> };

type ArrayOf<Kind> =
  Kind extends ArrayKind<infer D, infer Rank>
    ? NDArray<D, Axes<Rank>>
    : Kind extends FrozenModel
      ? Weights
      : Kind extends Rotations
        ? PositionArrays
        : Kind;

type TensorOf<Kind> =
  Kind extends ArrayKind<DType, infer Rank>
    ? tf.Tensor<RankName<Rank>>
    : Kind extends FrozenModel
      ? WeightTensors
      : Kind extends Rotations
        ? PositionTables
        : Kind;

type Axes<Rank> = Rank extends 1
  ? readonly [number]
  : Rank extends 2
    ? readonly [number, number]
    : readonly number[];

type RankName<Rank> = Rank extends 1 ? tf.Rank.R1 : Rank extends 2 ? tf.Rank.R2 : tf.Rank;

/** Sequences as rows of equal length, padded on the right with token 0; missing rows are all padding. */
export function padRows(
  sequences: readonly (readonly number[])[],
  rows: number,
  length: number,
): ArrayOf<Matrix<'int32'>> {
  const data = new Int32Array(rows * length);
  for (const [row, ids] of sequences.entries()) data.set(ids, row * length);
  return int32([rows, length], data);
}

/** The index of each sequence's last token, `[rows]`; 0 for a missing one. */
export function lastPositions(
  sequences: readonly (readonly number[])[],
  rows: number,
): ArrayOf<Vector<'int32'>> {
  return int32(
    [rows],
    Int32Array.from({ length: rows }, (_, row) => Math.max(0, (sequences[row]?.length ?? 1) - 1)),
  );
}

/** A weight for each row, that of its example divided by `total`; 0 for a missing one. */
export function rowWeights(
  weights: readonly number[],
  rows: number,
  total: number,
): ArrayOf<Vector<'float32'>> {
  return float32(
    [rows],
    Float32Array.from({ length: rows }, (_, row) => (weights[row] ?? 0) / total),
  );
}

/** The sum of `[N]` terms, each times its weight. */
export function weightedSum(terms: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  return tf.sum(tf.mul(terms, weights));
}

/** The first and the second half along an axis, such as those of chosen and rejected responses. */
export function halves<T extends tf.Tensor>(both: T, axis = 0): readonly [T, T] {
  const parts = tf.split<T>(both, 2, axis);
  return [elementAt(parts, 0), elementAt(parts, 1)];
}
