import { type Int8Matrix, type NDArray, quantizeInt8 } from '@gram/engine';
import type { Weights } from './config/weight-shapes.js';

/** Weights whose layers' matrices are 8-bit integers. */
export type QuantizedWeights = Readonly<
  Record<string, NDArray<'float32'> | Int8Matrix<NDArray<'int8'>, NDArray<'float32'>>>
>;

/**
 * Rounds the matrices of the layers to 8 bits, with one scale for each output; norms, embedding and heads stay as they
 * are. For models that are only used: such weights have no gradient. Pass them to a function that is compiled with
 * them as `constants`, so that the runtime packs them.
 */
export function quantizeWeights(weights: Weights): QuantizedWeights {
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [
      name,
      /^model\.layers\.\d+\..*_proj\.weight$/.test(name) ? quantizeInt8(weight) : weight,
    ]),
  );
}
