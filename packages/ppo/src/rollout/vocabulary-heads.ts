import { compile, type NDArray } from '@gram/engine';
import { type ModelConfig, tokenLosses, vocabularyLogits } from '@gram/model';
import {
  createTokenHead,
  type HeadComputing,
  type HeadInputs,
  type HeadRows,
  type HeadTensors,
  headOptions,
  inParts,
  readByHead,
  type TokenHead,
} from '@gram/train';
import * as tf from '@tensorflow/tfjs-core';
import { fullKl } from '../losses/kl.js';

/** Computes what the heads of two models say of tokens, a part of them at a time. */
export interface VocabularyHeads extends TokenHead {
  /** The log-probabilities of the reference, and KL(policy || reference) of the distributions after the states of both. */
  exactKl(
    models: { readonly policy: HeadInputs; readonly reference: HeadInputs },
    targets: NDArray,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<'logProbabilities' | 'kl', NDArray<'float32'>>>>;
}

/** Compiles the heads for any number of tokens. */
export function createVocabularyHeads(config: ModelConfig, computing: HeadComputing): VocabularyHeads {
  const head = createTokenHead(config, computing);
  type Models = { readonly policy: HeadTensors; readonly reference: HeadTensors };
  const exact = compile(
    ({ policy, reference, rows, targets }: HeadRows<tf.Tensor1D> & Models) => {
      const logitsOf = ({ weights, states }: HeadTensors) =>
        vocabularyLogits(config, weights, tf.gather(states, rows));
      return {
        logProbabilities: tf.neg(
          tokenLosses(config, reference.weights, tf.gather(reference.states, rows), targets),
        ),
        kl: fullKl(logitsOf(policy), logitsOf(reference)),
      };
    },
    headOptions(computing, 'policy', 'reference'),
  );
  return {
    logProbabilities: head.logProbabilities,
    exactKl({ policy, reference }, targets, signal) {
      const inputs = { policy: readByHead(policy), reference: readByHead(reference) };
      return inParts(config, targets, ['logProbabilities', 'kl'], (rows) =>
        exact({ ...inputs, ...rows }, { signal }),
      );
    },
    dispose() {
      head.dispose();
      exact.dispose();
    },
  };
}
