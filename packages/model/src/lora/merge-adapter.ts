import { float32, type NDArray } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { scoreHeadShapes, type Weights, weightOf, weightShapes } from '../config/weight-shapes.js';
import { type ArrayToMake, arrayOf, type WritableArrays } from '../safetensors/write.js';
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
  const additions = additionsOf(config, lora, adapter);
  return Object.fromEntries(
    unmerged(config, base, adapter).map(([name, weight]) => {
      const addition = additions.get(name);
      return [name, addition === undefined ? weight : mergedMatrix(weight, addition)];
    }),
  );
}

/**
 * Returns the model of `mergeAdapter` for `saveModel`, which makes one merged matrix after the other as it writes: saving it takes no
 * memory of a second model. Of a base that is read as it is written, see `streamModel`, it takes none of the first one either.
 *
 * @param adapter must not change until the model is saved
 */
export function mergeToSave(
  config: ModelConfig,
  lora: LoraConfig,
  base: WritableArrays,
  adapter: Weights,
): WritableArrays {
  const additions = additionsOf(config, lora, adapter);
  return Object.fromEntries(
    unmerged(config, base, adapter).map(([name, weight]): [string, NDArray<'float32'> | ArrayToMake] => {
      const addition = additions.get(name);
      if (addition === undefined) return [name, weight];
      const make = async () => mergedMatrix(await arrayOf(name, weight), addition);
      return [name, { shape: weight.shape, make }];
    }),
  );
}

/** The weights of the merged model before anything is added to them: those of the base, and the head of the adapter. */
function unmerged<Weight extends WritableArrays[string]>(
  config: ModelConfig,
  base: Readonly<Record<string, Weight>>,
  adapter: Weights,
): [string, Weight | NDArray<'float32'>][] {
  const head = scoreHeadShapes(config);
  return Object.keys(weightShapes(config)).map((name) => [
    name,
    Object.hasOwn(head, name) ? weightOf(adapter, name) : weightOf(base, name),
  ]);
}

/** A product of two small matrices that is added to a weight: scale * B A. */
interface LowRank {
  readonly a: NDArray<'float32'>;
  readonly b: NDArray<'float32'>;
  readonly scale: number;
}

/** Maps the name of each adapted weight to the low-rank product that the adapter adds to it. */
function additionsOf(config: ModelConfig, lora: LoraConfig, adapter: Weights): Map<string, LowRank> {
  return new Map(
    targetsOf(config, lora).map(({ name }) => [
      `${name}.weight`,
      {
        a: weightOf(adapter, `${name}.lora_A.weight`),
        b: weightOf(adapter, `${name}.lora_B.weight`),
        scale: loraScale(lora),
      },
    ]),
  );
}

/** W + scale * B A, in float64, one row at a time: the sum is rounded once. */
function mergedMatrix(weight: NDArray<'float32'>, { a, b, scale }: LowRank): NDArray<'float32'> {
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
