import { crossEntropy, linearCrossEntropy } from '@gram/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/model-config.js';
import { ROUNDED_HEAD } from '../quantize.js';
import { finalNorm, hiddenStates, stateAt } from './decoder.js';
import { linear } from './linear.js';
import { type ModelTensors, tensorOf } from './model-tensors.js';
import type { PositionTables } from './position-tables.js';

/** The language model head, `[vocabSize, hiddenSize]`: the embedding itself when it is tied. */
function headRows(config: ModelConfig, weights: ModelTensors): tf.Tensor2D {
  return tensorOf(weights, config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}

/** Logits z as the family has them: cap * tanh(z / cap), or as they are. */
function capped({ finalLogitSoftcapping: cap }: ModelConfig, logits: tf.Tensor2D): tf.Tensor2D {
  return cap === undefined ? logits : tf.mul(tf.tanh(tf.div(logits, cap)), cap);
}

/**
 * Logits of the next token over the whole vocabulary, by the head in integers where the weights have one.
 *
 * @param states `[N, hiddenSize]`, before the final norm
 * @returns `[N, vocabSize]`
 */
export function vocabularyLogits(
  config: ModelConfig,
  weights: ModelTensors,
  states: tf.Tensor2D,
): tf.Tensor2D {
  const head = weights[ROUNDED_HEAD] ?? headRows(config, weights);
  return capped(config, linear(finalNorm(config, weights, states), head));
}

/**
 * Negative log-likelihood of one token each.
 *
 * @param states `[P, hiddenSize]`, before the final norm
 * @param targets `[P]` int32, the token that follows each state
 * @returns `[P]`
 */
export function tokenLosses(
  config: ModelConfig,
  weights: ModelTensors,
  states: tf.Tensor2D,
  targets: tf.Tensor1D,
): tf.Tensor1D {
  return crossEntropy(vocabularyLogits(config, weights, states), targets);
}

/**
 * Negative log-likelihood of the next token, computed at chosen positions only.
 *
 * @param tokens `[B, T]` int32
 * @param positions `[P]` int32, `b * T + t`: the state at position t of sequence b predicts
 * @param targets `[P]` int32, the token that follows each position
 * @param tables see `hiddenStates`
 * @returns `[P]`
 */
export function nextTokenLosses(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  positions: tf.Tensor1D,
  targets: tf.Tensor1D,
  tables?: PositionTables,
): tf.Tensor1D {
  const states = tf.gather(hiddenStates(config, weights, tokens, tables), positions);
  return tokenLosses(config, weights, states, targets);
}

/**
 * Weighted sum of what `nextTokenLosses` gives, in less memory: see `linearCrossEntropy`.
 *
 * @param weighting `[P]`
 * @param tables see `hiddenStates`
 */
export function nextTokenLoss(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  positions: tf.Tensor1D,
  targets: tf.Tensor1D,
  weighting: tf.Tensor1D,
  tables?: PositionTables,
): tf.Scalar {
  const states = tf.gather(hiddenStates(config, weights, tokens, tables), positions);
  const rows = { x: finalNorm(config, weights, states), targets, weights: weighting };
  return linearCrossEntropy(rows, headRows(config, weights), { softCap: config.finalLogitSoftcapping });
}

/**
 * Logits of the label tokens as the next token. Only their rows of the head are used.
 *
 * @param states `[N, hiddenSize]`, before the final norm
 * @param labels token ids of the labels
 * @returns `[N, labels.length]`
 */
export function labelLogitsOf(
  config: ModelConfig,
  weights: ModelTensors,
  states: tf.Tensor2D,
  labels: readonly number[],
): tf.Tensor2D {
  const rows = tf.gather(headRows(config, weights), tf.tensor1d([...labels], 'int32'));
  return capped(config, tf.matMul(finalNorm(config, weights, states), rows, false, true));
}

/**
 * Log-probabilities of the label tokens as the next token, among all tokens. The whole head is computed.
 *
 * @param states `[N, hiddenSize]`, before the final norm
 * @param labels token ids of the labels
 * @returns `[N, labels.length]`
 */
export function labelLogProbabilitiesOf(
  config: ModelConfig,
  weights: ModelTensors,
  states: tf.Tensor2D,
  labels: readonly number[],
): tf.Tensor2D {
  // Heads in integers round the rows of the labels, which the comparison of a judge must not depend on.
  const own = labelLogitsOf(config, weights, states, labels);
  return tf.sub(own, tf.logSumExp(vocabularyLogits(config, weights, states), 1, true));
}

/**
 * Logits of the label tokens as the next token after `last`.
 *
 * @param tokens `[B, T]` int32
 * @param last `[B]` int32, position of the last token of each prompt
 * @param labels token ids of the labels
 * @param tables see `hiddenStates`
 * @returns `[B, labels.length]`
 */
export function labelLogits(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  labels: readonly number[],
  tables?: PositionTables,
): tf.Tensor2D {
  return labelLogitsOf(config, weights, stateAt(config, weights, tokens, last, tables), labels);
}

/**
 * The scalar of a reward head at chosen positions (`...ForSequenceClassification`).
 *
 * @param tokens `[B, T]` int32
 * @param positions `[P]` int32, `b * T + t`
 * @param tables see `hiddenStates`
 * @returns `[P]`
 */
export function valuesAt(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  positions: tf.Tensor1D,
  tables?: PositionTables,
): tf.Tensor1D {
  return scores(config, weights, tf.gather(hiddenStates(config, weights, tokens, tables), positions));
}

/**
 * The scalar of a reward head at one position of each sequence (`...ForSequenceClassification`).
 *
 * @param tokens `[B, T]` int32
 * @param last `[B]` int32, position of the last token of each sequence
 * @param tables see `hiddenStates`
 * @returns `[B]`
 */
export function values(
  config: ModelConfig,
  weights: ModelTensors,
  tokens: tf.Tensor2D,
  last: tf.Tensor1D,
  tables?: PositionTables,
): tf.Tensor1D {
  return scores(config, weights, stateAt(config, weights, tokens, last, tables));
}

/**
 * The scalar of a reward head: w h of the normalized state h, or W2 relu(W1 h + b1) + b2 where the head has a hidden layer
 * (`scoreHead` of the configuration; GRM, Yang et al., NeurIPS 2024).
 *
 * @param states `[N, hiddenSize]`, before the final norm
 * @returns `[N]`
 */
export function scores(config: ModelConfig, weights: ModelTensors, states: tf.Tensor2D): tf.Tensor1D {
  const normal = finalNorm(config, weights, states);
  const matrix = (name: string) => tensorOf<tf.Tensor2D>(weights, name);
  if (config.scoreHead === undefined) {
    return tf.reshape(tf.matMul(normal, matrix('score.weight'), false, true), [-1]);
  }
  const hidden = tf.relu(linear(normal, matrix('score.0.weight'), tensorOf(weights, 'score.0.bias')));
  return tf.reshape(linear(hidden, matrix('score.2.weight'), tensorOf(weights, 'score.2.bias')), [-1]);
}
