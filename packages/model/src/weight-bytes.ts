import type { ModelConfig } from './config/model-config.js';
import { parameterCount, weightShapes } from './config/weight-shapes.js';
import { PROJECTIONS, projectionShape } from './families/projections.js';
import { headToRound } from './quantize.js';

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

/** Bytes of one weight in 8-bit blocks: 32 share a float32 scale. */
const BLOCK8_BYTES = 1 + 4 / 32;

/** Memory of the head over the vocabulary in integers, in bytes; 0 for a model without one. `quantizeWeights` keeps both forms. */
export function roundedHeadBytes(config: ModelConfig): number {
  const hasRounded = headToRound(weightShapes(config)) !== undefined;
  return hasRounded ? BLOCK8_BYTES * config.vocabSize * config.hiddenSize : 0;
}

/** Memory of a model's weights, in bytes, without the rounded head: that of judging. */
export function weightBytes(config: ModelConfig, precision: WeightPrecision = 'float32'): number {
  const matrices = matrixWeights(config);
  return Math.ceil(4 * (parameterCount(config) - matrices) + BYTES[precision] * matrices);
}
