import { float32, sizeOf } from '@gram/engine';
import { familyOf, type ModelConfig } from './config/model-config.js';
import { type Weights, weightShapes } from './config/weight-shapes.js';

/**
 * Draws the weights of a new model. Gains of norms are one, biases zero, matrices normal. The two
 * projections that write to the residual stream, `o_proj` and `down_proj`, are scaled by `1 / sqrt(2 * layers)`,
 * so that its variance does not grow with depth (Radford et al., GPT-2, 2019, section 2.3).
 *
 * @param random draws from the standard normal distribution; equal draws give equal weights.
 * @param standardDeviation of the matrices; about `1 / sqrt(hiddenSize)` lets a narrow model learn sooner. @default 0.02
 */
export function initWeights(
  config: ModelConfig,
  random: { normal(): number },
  standardDeviation = 0.02,
): Weights {
  const { gainOffset = 0 } = familyOf(config).decoder;
  const residual = standardDeviation / Math.sqrt(2 * config.numHiddenLayers);
  const entries = Object.entries(weightShapes(config)).map(([name, shape]) => {
    const data = new Float32Array(sizeOf(shape));
    if (shape.length === 1) {
      if (!name.endsWith('.bias')) data.fill(1 - gainOffset);
    } else {
      const deviation = /\.(o|down)_proj\.weight$/.test(name) ? residual : standardDeviation;
      for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
    }
    return [name, float32(shape, data)] as const;
  });
  return Object.fromEntries(entries);
}
