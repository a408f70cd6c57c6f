import { float32 } from '@gram/engine';
import type { Weights } from './config/weight-shapes.js';

/** The same weights in memory of their own: training changes weights in place, and a copy keeps the ones before it. */
export function copyWeights(weights: Weights): Weights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, float32(shape, data.slice())]),
  );
}
