import type { ModelConfig } from './config/model-config.js';
import { parameterCount } from './config/weight-shapes.js';
import { PROJECTIONS, projectionShape } from './families/projections.js';

/** Storage of the matrices of the layers; everything else is float32. */
export type WeightPrecision = 'float32' | 'int8' | 'int4';

/** Bytes of one weight of a matrix: 4-bit weights share a float32 scale among 32, 8-bit weights one among a row. */
const BYTES = { float32: 4, int8: 1, int4: 0.5 + 4 / 32 } as const satisfies Record<WeightPrecision, number>;

/** Weights of the matrices of all layers. */
export function matrixWeights(config: ModelConfig): number {
  const layer = PROJECTIONS.reduce((sum, projection) => {
    const [outputs, inputs] = projectionShape(config, projection);
    return sum + outputs * inputs;
  }, 0);
  return config.numHiddenLayers * layer;
}

/** Memory of a model's weights, in bytes. */
export function weightBytes(config: ModelConfig, precision: WeightPrecision = 'float32'): number {
  const matrices = matrixWeights(config);
  return Math.ceil(4 * (parameterCount(config) - matrices) + BYTES[precision] * matrices);
}
