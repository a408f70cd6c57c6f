import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from './config/llama-config.js';
import { type AttentionTables, attentionAt, attentionTables, causalAttention } from './layers/attention.js';
import { rmsNorm } from './layers/rms-norm.js';
import { swiglu } from './layers/swiglu.js';

/** Weights as tensors, under Hugging Face names, in `[out, in]` layout. */
export type WeightTensors = Readonly<Record<string, tf.Tensor>>;

/**
 * The decoder: states after the last layer, before the final norm.
 *
 * Rows of `tokens` are padded on the right with any id. What stands after a position never changes
 * its state.
 *
 * @param tokens `[B, T]` int32
 * @returns `[B * T, hiddenSize]`, row `b * T + t` for position t of sequence b
 */
export function hiddenStates(config: LlamaConfig, weights: WeightTensors, tokens: tf.Tensor2D): tf.Tensor2D {
  const [batch, length] = tokens.shape;
  const tables = attentionTables(config, length);
  let x = embed(weights, tokens);
  for (let i = 0; i < config.numHiddenLayers; i++)
    x = layer(config, layerWeights(weights, i), tables, x, batch);
  return x;
}

/**
 * The decoder's state at one position of each sequence, before the final norm. The last layer runs
 * at these positions only: nothing reads the others.
 *
 * @param tokens `[B, T]` int32
 * @param last `[B]` int32, a position in each sequence
 * @returns `[B, hiddenSize]`
 */
export function stateAt(
  config: LlamaConfig,
  weights: WeightTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
): tf.Tensor2D {
  const [batch, length] = tokens.shape;
  const tables = attentionTables(config, length);
  const top = config.numHiddenLayers - 1;
  let x = embed(weights, tokens);
  for (let i = 0; i < top; i++) x = layer(config, layerWeights(weights, i), tables, x, batch);

  const w = layerWeights(weights, top);
  const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
  const starts = tf.tensor1d(
    Int32Array.from({ length: batch }, (_, b) => b * length),
    'int32',
  );
  const rows = tf.add(last, starts) as tf.Tensor1D;
  const mixed = attentionAt(
    config,
    tables,
    linear(tf.gather(normal, rows), w('self_attn.q_proj')),
    linear(normal, w('self_attn.k_proj')),
    linear(normal, w('self_attn.v_proj')),
    last,
  );
  return feedForward(config, w, tf.add(tf.gather(x, rows), linear(mixed, w('self_attn.o_proj'))));
}

/** The final norm, to be applied to the states that a head reads. */
export function finalNorm(config: LlamaConfig, weights: WeightTensors, states: tf.Tensor2D): tf.Tensor2D {
  return rmsNorm(states, weights['model.norm.weight'] as tf.Tensor, config.rmsNormEps);
}

type LayerWeights = (name: string) => tf.Tensor;

function layerWeights(weights: WeightTensors, index: number): LayerWeights {
  return (name) => weights[`model.layers.${index}.${name}.weight`] as tf.Tensor;
}

function embed(weights: WeightTensors, tokens: tf.Tensor2D): tf.Tensor2D {
  return tf.gather(weights['model.embed_tokens.weight'] as tf.Tensor2D, tf.reshape(tokens, [-1]));
}

function linear(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x, weight as tf.Tensor2D, false, true);
}

function layer(
  config: LlamaConfig,
  w: LayerWeights,
  tables: AttentionTables,
  x: tf.Tensor2D,
  batch: number,
): tf.Tensor2D {
  const normal = rmsNorm(x, w('input_layernorm'), config.rmsNormEps);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(normal, w(`self_attn.${name}_proj`))) as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const mixed = causalAttention(config, tables, q, k, v, batch);
  return feedForward(config, w, tf.add(x, linear(mixed, w('self_attn.o_proj'))));
}

function feedForward(config: LlamaConfig, w: LayerWeights, x: tf.Tensor2D): tf.Tensor2D {
  const normal = rmsNorm(x, w('post_attention_layernorm'), config.rmsNormEps);
  const inner = swiglu(linear(normal, w('mlp.gate_proj')), linear(normal, w('mlp.up_proj')));
  return tf.add(x, linear(inner, w('mlp.down_proj')));
}
