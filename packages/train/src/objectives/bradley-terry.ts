import { float32 } from '@gram/engine';
import { values } from '@gram/model';
import * as tf from '@tensorflow/tfjs-core';
import { TrainError } from '../error.js';
import { pairWeight, type RewardExample } from '../examples/kinds.js';
import {
  halves,
  lastPositions,
  type Matrix,
  padRows,
  type Rotations,
  rowWeights,
  type Vector,
  weightedSum,
} from './batch.js';
import type { Objective } from './objective.js';
import { shareCorrect, smoothedRankingLoss } from './smoothing.js';

/** `rows` chosen responses first, then the rejected ones in the same order. */
type RewardBatch = {
  /** `[2 rows, length]` */
  readonly tokens: Matrix<'int32'>;
  readonly tables?: Rotations;
  /** `[2 rows]`, the last token of each sequence. */
  readonly last: Vector<'int32'>;
  /** `[rows]`, the weight of each pair. */
  readonly weights: Vector<'float32'>;
  /** `[rows]`, where margins are asked for. */
  readonly margins?: Vector<'float32'>;
  /** `[rows]`, weights that sum to 1, with positive regularization. */
  readonly average?: Vector<'float32'>;
};

/** Options of the discriminative baseline. */
export interface BradleyTerryOptions {
  /** Label smoothing in the paper's convention. @default 0 */
  readonly labelSmoothing?: number;
  /** Ask for the margin of each example, which then needs one. @default false */
  readonly margin?: boolean;
  /** Weight c of the positive regularization; 0.1 in the code that introduced it. @default 0 */
  readonly positiveRegularization?: number;
}

/**
 * The discriminative baseline: a scalar reward at the last token, trained with Bradley-Terry.
 *
 *     L_d = -(1 - eps) log sigmoid(D) - eps log sigmoid(-D) - c log sigmoid(mean r_w)
 *     D = r(x, y_w) - r(x, y_l) - m
 *
 * eps, m and c are the baselines of GRAM's comparison, as the code of GRM (Yang et al., NeurIPS 2024) defines them: label
 * smoothing, a margin (Touvron et al., Llama 2, 2023, equation 2), and positive regularization, which pulls rewards up.
 *
 * The mean of the positive regularization is that over a micro-batch, as in GRM's code: so it is the only term for which it
 * matters how a step is cut into micro-batches. A micro-batch counts by its share of the step.
 *
 * `batch` throws TrainError `no-data` where a margin is asked for and an example has none, or one that is not 0 or more.
 */
export function bradleyTerry({
  labelSmoothing = 0,
  margin = false,
  positiveRegularization = 0,
}: BradleyTerryOptions = {}): Objective<RewardExample, RewardBatch, 'accuracy'> {
  const pulled = positiveRegularization === 0 ? '' : `, positive regularization ${positiveRegularization}`;
  return {
    name: `bradley-terry, smoothing ${labelSmoothing}${margin ? ', margin' : ''}${pulled}`,
    metrics: ['accuracy'],
    perToken: [],
    length: ({ chosen, rejected }) => Math.max(chosen.length, rejected.length),
    weight: pairWeight,
    batch(examples, rows, length, total) {
      const half = (side: 'chosen' | 'rejected') =>
        Array.from({ length: rows }, (_, row) => examples[row]?.[side] ?? []);
      const sequences = [...half('chosen'), ...half('rejected')];
      const shares = examples.map(pairWeight);
      return {
        tokens: padRows(sequences, 2 * rows, length),
        last: lastPositions(sequences, 2 * rows),
        weights: rowWeights(shares, rows, total),
        ...(margin && { margins: marginsOf(examples, rows) }),
        ...(positiveRegularization !== 0 && {
          // A micro-batch of padding alone has no mean, and no part in the loss.
          average: rowWeights(shares, rows, shares.reduce((sum, share) => sum + share, 0) || 1),
        }),
      };
    },
    loss(config, weights, { tokens, last, weights: shares, margins, average, tables }) {
      const [chosen, rejected] = halves(values(config, weights, tokens, last, tables));
      const differences: tf.Tensor1D = tf.sub(chosen, rejected);
      const beyond: tf.Tensor1D = margins ? tf.sub(differences, margins) : differences;
      const ranking = weightedSum(smoothedRankingLoss(beyond, labelSmoothing), shares);
      return {
        loss: average
          ? tf.add(
              ranking,
              tf.mul(positiveRegularization, tf.mul(tf.sum(shares), positivePull(chosen, average))),
            )
          : ranking,
        metrics: { accuracy: shareCorrect(differences, shares) },
      };
    },
  };
}

/**
 * -log sigmoid(mean r_w), a scalar.
 *
 * @param rewards `[N]`, of the chosen responses
 * @param average `[N]`, weights that sum to 1
 */
function positivePull(rewards: tf.Tensor1D, average: tf.Tensor1D): tf.Scalar {
  return tf.softplus(tf.neg(weightedSum(rewards, average)));
}

function marginsOf(examples: readonly RewardExample[], rows: number) {
  const margins = new Float32Array(rows);
  for (const [row, { margin }] of examples.entries()) {
    if (margin === undefined || !(margin >= 0 && Number.isFinite(margin))) {
      throw new TrainError(
        'no-data',
        `the margin of a pair is ${margin}`,
        'give each pair a margin of 0 or more, such as the difference of two ratings, or train without margins',
      );
    }
    margins[row] = margin;
  }
  return float32([rows], margins);
}
