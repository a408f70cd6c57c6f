import { float32, type NDArray } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { scoreHeadShapes, type Weights, weightOf, weightShapes } from '../config/weight-shapes.js';
import type { ArrayToMake, WritableArrays } from '../safetensors/write.js';
import { targetsOf } from './adapter.js';
import { type LoraConfig, loraScale } from './lora-config.js';

/**
 * Returns the model that an adapter makes of its base, as plain weights: W + scale * B A. The base is not changed; matrices that are
 * not adapted are shared with it.
 *
 * @param config of the model that it makes; a head of the base that this model does not have is left out
 */
export function mergeAdapter(
  config: ModelConfig,
  lora: LoraConfig,
  base: Weights,
  adapter: Weights,
): Weights {
  return Object.fromEntries(
    Object.entries(mergeToSave(config, lora, base, adapter)).map(([name, array]) => [
      name,
      'make' in array ? array.make() : array,
    ]),
  );
}

/**
 * Returns the model of `mergeAdapter` for `saveModel`, which makes one merged matrix after the other as it writes: saving it takes no
 * memory of a second model.
 *
 * @param adapter must not change until the model is saved
 */
export function mergeToSave(
  config: ModelConfig,
  lora: LoraConfig,
  base: Weights,
  adapter: Weights,
): WritableArrays {
  const head = scoreHeadShapes(config);
  const arrays: Record<string, NDArray<'float32'> | ArrayToMake> = {};
  for (const name of Object.keys(weightShapes(config))) {
    arrays[name] = weightOf(Object.hasOwn(head, name) ? adapter : base, name);
  }
  for (const { name } of targetsOf(config, lora)) {
    const weight = weightOf(base, `${name}.weight`);
    const a = weightOf(adapter, `${name}.lora_A.weight`);
    const b = weightOf(adapter, `${name}.lora_B.weight`);
    const make = () => mergedMatrix(weight, { a, b, scale: loraScale(lora) });
    arrays[`${name}.weight`] = { shape: weight.shape, make };
  }
  return arrays;
}

/** W + scale * B A, in float64, one row at a time: the sum is rounded once. */
function mergedMatrix(
  weight: NDArray<'float32'>,
  { a, b, scale }: { readonly a: NDArray<'float32'>; readonly b: NDArray<'float32'>; readonly scale: number },
): NDArray<'float32'> {
  const [outputs, inputs] = weight.shape as [number, number]; // Matrices have two sizes.
  const rank = b.data.length / outputs;
  const sum = new Float32Array(weight.data);
  const addition = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    addition.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * (b.data[o * rank + r] ?? 0);
      const offset = r * inputs;
      for (let i = 0; i < inputs; i++) {
        addition[i] = (addition[i] ?? 0) + factor * (a.data[offset + i] ?? 0);
      }
    }
    for (let i = 0; i < inputs; i++) {
      sum[o * inputs + i] = (sum[o * inputs + i] ?? 0) + (addition[i] ?? 0);
    }
  }
  return float32(weight.shape, sum);
}
