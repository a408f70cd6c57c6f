import { float32, type NDArray, sizeOf } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/model-config.js';
import { type PlacedWeights, scoreHeadShapes, type Weights, weightOf } from '../config/weight-shapes.js';
import type { Matrix } from '../decoder/linear.js';
import { type ModelTensors, tensorOf, type WeightTensors } from '../decoder/model-tensors.js';
import { blockOf, type Projection, projectionShape } from '../families/projections.js';
import { type LoraConfig, loraScale } from './lora-config.js';

/** A low-rank adapter. */
export interface Adapter {
  readonly lora: LoraConfig;
  /** See `adapterShapes`. */
  readonly weights: Weights;
}

/** A low-rank adapter whose weights are in host memory or where a device keeps them. */
export interface PlacedAdapter {
  readonly lora: LoraConfig;
  readonly weights: PlacedWeights;
}

/** An adapted matrix: the name of its weight up to `.weight`, and where it stands. */
interface Target {
  readonly name: string;
  readonly projection: Projection;
}

/** Lists the adapted matrices, layer by layer. */
export function targetsOf({ numHiddenLayers }: ModelConfig, { targets }: LoraConfig): Target[] {
  return Array.from({ length: numHiddenLayers }, (_, i) =>
    targets.map((projection) => ({
      name: `model.layers.${i}.${blockOf(projection)}.${projection}`,
      projection,
    })),
  ).flat();
}

/**
 * Returns name and shape of every weight of an adapter: `NAME.lora_A.weight [rank, in]` and `NAME.lora_B.weight [out, rank]` for each
 * adapted matrix, and the whole head of a model that scores.
 */
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  for (const { name, projection } of targetsOf(config, lora)) {
    const [outputs, inputs] = projectionShape(config, projection);
    shapes[`${name}.lora_A.weight`] = [lora.rank, inputs];
    shapes[`${name}.lora_B.weight`] = [outputs, lora.rank];
  }
  return { ...shapes, ...scoreHeadShapes(config) };
}

/**
 * Draws the weights of a new adapter, which changes nothing yet: A is uniform in +-1/sqrt(in), as PEFT draws it, and B is zero.
 *
 * @param base weights of the model, from which the head of a model that scores is taken
 * @param random draws uniformly from [0, 1); equal draws give equal weights.
 */
export function initAdapter(
  config: ModelConfig,
  lora: LoraConfig,
  base: Weights,
  random: { uniform(): number },
): Weights {
  const head = scoreHeadShapes(config);
  const entries = Object.entries(adapterShapes(config, lora)).map(([name, shape]) => {
    if (Object.hasOwn(head, name)) return [name, float32(shape, weightOf(base, name).data.slice())] as const;
    const data = new Float32Array(sizeOf(shape));
    if (name.endsWith('.lora_A.weight')) {
      const bound = 1 / Math.sqrt(shape.at(-1) ?? 1);
      for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
    }
    return [name, float32(shape, data)] as const;
  });
  return Object.fromEntries(entries);
}

/** Random numbers from which the dropout of every adapted matrix is made, uniform in [0, 1). */
export interface AdapterNoise<T = tf.Tensor> {
  /** Numbers of the rows, `[targets, rows]`. */
  readonly rows: T;
  /** Numbers of the columns, `[targets, widest input]`. */
  readonly columns: T;
}

/**
 * Draws the numbers for the dropout of one pass.
 *
 * @param rows tokens of the batch, padding included
 */
export function adapterNoise(
  config: ModelConfig,
  lora: LoraConfig,
  rows: number,
  random: { uniform(): number },
): AdapterNoise<NDArray<'float32'>> {
  const targets = targetsOf(config, lora).length;
  const widest = Math.max(...lora.targets.map((projection) => projectionShape(config, projection)[1]));
  const draw = (count: number) =>
    float32(
      [targets, count],
      Float32Array.from({ length: targets * count }, () => random.uniform()),
    );
  return { rows: draw(rows), columns: draw(widest) };
}

/**
 * Returns the weights of a model with an adapter, for the functions of the model: y = W x + scale * B A drop(x). A pure function;
 * gradients flow to the adapter, and to the base only where they are asked for.
 *
 * @param base may be integers, see `quantizeWeights`, for use without gradients
 * @param noise turns dropout on
 */
export function adaptedWeights(
  config: ModelConfig,
  lora: LoraConfig,
  base: ModelTensors,
  adapter: WeightTensors,
  noise?: AdapterNoise,
): ModelTensors {
  const weights: Record<string, Matrix> = { ...base };
  const { dropout = 0 } = lora;
  const row = (table: tf.Tensor, i: number) => table.slice([i, 0], [1, -1]).reshape([-1]) as tf.Tensor1D;
  for (const [i, { name }] of targetsOf(config, lora).entries()) {
    weights[`${name}.weight`] = {
      base: base[`${name}.weight`] as tf.Tensor,
      a: adapter[`${name}.lora_A.weight`] as tf.Tensor2D,
      b: adapter[`${name}.lora_B.weight`] as tf.Tensor2D,
      scale: loraScale(lora),
      ...(noise &&
        dropout > 0 && {
          dropout: { probability: dropout, rows: row(noise.rows, i), columns: row(noise.columns, i) },
        }),
    };
  }
  for (const name of Object.keys(scoreHeadShapes(config))) weights[name] = tensorOf(adapter, name);
  return weights;
}

/** A model and its adapter as inputs of a compiled function; `adapter` is empty where there is none. */
export interface AdaptableTensors {
  readonly weights: ModelTensors;
  readonly adapter: WeightTensors;
}

/**
 * Returns the function that joins a model and its adapter, for compiled functions that read both at each call: the adapter may
 * learn meanwhile, and the base may be shared with other adapters or be integers.
 *
 * @param lora of the adapter. @default there is none: the model is the base
 */
export function joinAdapter(
  config: ModelConfig,
  lora: LoraConfig | undefined,
): (inputs: AdaptableTensors) => ModelTensors {
  return ({ weights, adapter }) =>
    lora === undefined ? weights : adaptedWeights(config, lora, weights, adapter);
}
