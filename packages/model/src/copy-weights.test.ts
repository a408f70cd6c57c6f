import { float32 } from '@gram/engine';
import { expect, it } from 'vitest';
import { copyWeights } from './copy-weights.js';

it('gives equal weights that share no memory with the first ones', () => {
  // A part of a larger buffer, as a reader of files may give it.
  const buffer = Float32Array.from({ length: 8 }, (_, i) => i);
  const weights = { a: float32([2, 2], buffer.subarray(1, 5)), b: float32([], [7]) };
  const copy = copyWeights(weights);
  expect(copy).toEqual({ a: float32([2, 2], [1, 2, 3, 4]), b: float32([], [7]) });
  expect(Object.keys(copy)).toEqual(['a', 'b']);
  copy.a!.data.fill(0);
  expect(Array.from(buffer)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
