import { recompute, rmsNorm } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import { familyOf, type ModelConfig } from '../config/model-config.js';
import { windowOf } from '../families/decoder-config.js';
import type { BlockNorms } from '../families/family.js';
import { blockOf, type Projection } from '../families/projections.js';
import { gated } from './gated.js';
import { linear, rowScaledLinear } from './linear.js';
import { type ModelTensors, matrixOf, tensorOf } from './model-tensors.js';

/** States of tokens: `[N, D]`, or `[B, S, D]`. */
export type Rows = tf.Tensor2D | tf.Tensor3D;

/** Inputs that a mode of attention takes from a layer. */
export interface AttentionParts {
  /** Queries before their rotation. */
  queries<T extends Rows>(x: T): T;
  /** Keys before their rotation. */
  keys<T extends Rows>(x: T): T;
  values<T extends Rows>(x: T): T;
  /** Numbers of heads, and the soft cap and window of the scores. */
  readonly options: {
    readonly heads: number;
    readonly groups: number;
    readonly softCap: number | undefined;
    readonly window: number | undefined;
  };
}

/**
 * A mode of attention: mixes the values of the normalized states, and says which rows of the states go on.
 *
 * @param normal the states `x` after the norm
 */
export type Attend<In extends Rows, Result> = (
  parts: AttentionParts,
  normal: In,
  x: In,
) => Result & { readonly mixed: Rows; readonly residual: Rows };

/**
 * One layer of the decoder: y = x + after(attention(before(x))), z = y + after(feedForward(before(y))), where the norms
 * are those of the family; most have no norm after a block.
 *
 * @param attend the mode of attention, which also gives what the caller wants to keep
 * @returns what `attend` gives, and the states of the rows that went on
 */
export function decoderLayer<In extends Rows, Result>(
  config: ModelConfig,
  weights: ModelTensors,
  index: number,
  x: In,
  attend: Attend<In, Result>,
): Result & { readonly states: Rows } {
  const layer = layerOf(config, weights, index);
  const attended = attend(layer.attention, layer.norm('attention', 'before', x), x);
  const { residual, mixed } = attended;
  const added = layer.norm('attention', 'after', layer.project('o_proj', mixed));
  const states: Rows = tf.add(residual, added);
  const inner = layer.feedForward(layer.norm('feedForward', 'before', states));
  return { ...attended, states: tf.add(states, layer.norm('feedForward', 'after', inner)) };
}

function layerOf(config: ModelConfig, weights: ModelTensors, index: number) {
  const { decoder } = familyOf(config);
  const prefix = `model.layers.${index}`;
  const projection = (name: Projection) => {
    const path = `${prefix}.${blockOf(name)}.${name}`;
    const bias = weights[`${path}.bias`] === undefined ? undefined : tensorOf(weights, `${path}.bias`);
    return { matrix: matrixOf(weights, `${path}.weight`), bias };
  };
  const project = <T extends Rows>(name: Projection, x: T): T => {
    const { matrix, bias } = projection(name);
    return linear(x, matrix, bias);
  };
  const norm = <T extends Rows>(block: keyof typeof decoder.norms, place: keyof BlockNorms, x: T): T => {
    const name = decoder.norms[block][place];
    return name === undefined ? x : normalized(config, weights, `${prefix}.${name}.weight`, x);
  };
  const heads = <T extends Rows>(name: 'q' | 'k', x: T): T => {
    const all = project(`${name}_proj`, x);
    if (!decoder.hasHeadNorms) return all;
    const apart: tf.Tensor2D = tf.reshape(all, [-1, config.headDim]);
    return tf.reshape(
      normalized(config, weights, `${prefix}.self_attn.${name}_norm.weight`, apart),
      all.shape,
    ) as T;
  };
  const attention: AttentionParts = {
    queries: (x) => heads('q', x),
    keys: (x) => heads('k', x),
    values: (x) => project('v_proj', x),
    options: {
      heads: config.numAttentionHeads,
      groups: config.numKeyValueHeads,
      softCap: config.attnLogitSoftcapping,
      window: windowOf(config, index),
    },
  };
  return {
    norm,
    project,
    attention,
    feedForward<T extends Rows>(normal: T): T {
      const [gate, up] = [project('gate_proj', normal), project('up_proj', normal)];
      // What is between these products is cheap, and as large as they are: only they are kept for the gradient. A product of
      // two activations differs in size from token to token by orders of magnitude.
      const inputs = { gate, up, down: projection('down_proj') };
      return recompute(
        ({ gate, up, down }) => rowScaledLinear(gated(decoder.activation, gate, up), down.matrix, down.bias),
        inputs,
      );
    },
  };
}

/**
 * Normalizes the last axis with the gain of the family: the weight itself, or one plus the weight.
 *
 * @param name of the norm's weight
 */
export function normalized<T extends Rows>(
  config: ModelConfig,
  weights: ModelTensors,
  name: string,
  x: T,
): T {
  const { gainOffset = 0 } = familyOf(config).decoder;
  const weight = tensorOf(weights, name);
  return rmsNorm(x, gainOffset === 0 ? weight : tf.add(weight, gainOffset), config.rmsNormEps);
}
