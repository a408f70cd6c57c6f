import { expect, it } from 'vitest';
import { localGpu } from './local-gpu.js';

it.each([
  [0, undefined, '0'],
  [3, undefined, '3'],
  [0, '4,5', '4'],
  [1, '4,5', '5'],
  [1, '4, 5', '5'],
  // There are more processes than GPUs.
  [2, '4,5', ''],
  [1, 'GPU-a1,MIG-b2', 'MIG-b2'],
  // A launcher that gives each task its own GPU, and one that gives none.
  [5, '7', '7'],
  [1, '', ''],
])('rank %i of a machine with CUDA_VISIBLE_DEVICES=%s sees %s', (localRank, visible, seen) => {
  expect(localGpu({ localRank }, visible)).toBe(seen);
});
