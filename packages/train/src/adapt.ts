import { createRandom } from '@gram/base';
import type { PreferencePair } from '@gram/data';
import { copyWeights, kindOf, type ModelConfig, type Weights } from '@gram/model';
import type { PairEncoder } from '@gram/tokenize';
import { encodePreferences, encodeRewardPairs } from './encoding/encode.js';
import type { Examples } from './encoding/encode-all.js';
import { TrainError } from './error.js';
import { bradleyTerry } from './objectives/bradley-terry.js';
import type { Objective } from './objectives/objective.js';
import { preference } from './objectives/preference.js';
import type { TrainOptions } from './train-options.js';
import { type TrainRun, train } from './trainer.js';
import type { TrainingRecord } from './training-record.js';

/** A reward model, and the labels of a new task that it is to be adapted to. */
export interface RewardAdaptation extends Pick<TrainRun<never>, 'onStep' | 'signal'> {
  readonly config: ModelConfig;
  /** Weights that training starts from; they are not changed. */
  readonly weights: Weights;
  readonly encoder: PairEncoder;
  /** Judges by the next token, or by a reward head: `config` must have it. */
  readonly kind: 'generative' | 'discriminative';
  /** Labels of the task. */
  readonly pairs: readonly PreferencePair[];
  /** Number of them to learn from, 0 or more. */
  readonly count: number;
  /** Chooses the pairs and the place of the chosen response; `options.seed` orders the batches. */
  readonly seed: number;
  readonly options: TrainOptions;
  /** Label smoothing in the paper's convention. @default 0.1 for `generative`, 0 for `discriminative` */
  readonly labelSmoothing?: number;
}

/** An adapted model. */
export interface Adaptation {
  /** Share no memory with those that training started from. */
  readonly weights: Weights;
  /** One record a step; empty where no label was used. */
  readonly history: readonly TrainingRecord[];
}

/**
 * Adapts a reward model to a task with few labels: further training on `count` pairs with the loss of its kind,
 * `preference` or `bradleyTerry`.
 *
 * The pairs are the first of a shuffle that depends on the seed alone, without those that teach nothing, see `EncodeOptions`. So a
 * smaller number of labels is a part of every larger one. With 0 labels the result is a copy. The same call with the weights of a model that has not seen any
 * labels gives the baseline to compare with.
 *
 * @throws TrainError `bad-config` when the count is no whole number or the architecture has not the head of the kind;
 *   `no-data` when fewer pairs than `count` teach something; the errors of the encoder and of `train`
 */
export async function adaptRewardModel(run: RewardAdaptation): Promise<Adaptation> {
  const { encoder, kind, seed, labelSmoothing, signal } = run;
  const pairs = shuffledPairs(run);
  checkHead(run);
  if (kind === 'generative') {
    const encode = (some: readonly PreferencePair[]) => encodePreferences(encoder, some, { seed, signal });
    const objective = preference({ labels: encoder.labelIds, labelSmoothing });
    return trainCopy(run, await firstExamples(run, pairs, encode), objective);
  }
  const encode = (some: readonly PreferencePair[]) => encodeRewardPairs(encoder, some, { signal });
  return trainCopy(run, await firstExamples(run, pairs, encode), bradleyTerry({ labelSmoothing }));
}

function shuffledPairs({ pairs, count, seed }: RewardAdaptation): readonly PreferencePair[] {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new TrainError('bad-config', `the number of labels is ${count}`, 'give a whole number');
  }
  if (count > pairs.length) throw tooFew(count, pairs.length);
  return createRandom(seed, 'adaptation').shuffle(pairs);
}

/** Encodes pairs until there are as many examples as labels are wanted: some pairs teach nothing. */
async function firstExamples<Example>(
  { count }: RewardAdaptation,
  pairs: readonly PreferencePair[],
  encode: (some: readonly PreferencePair[]) => Promise<Examples<Example>>,
): Promise<readonly Example[]> {
  for (let taken = count; ; ) {
    const { examples } = await encode(pairs.slice(0, taken));
    if (examples.length === count) return examples;
    if (taken === pairs.length) throw tooFew(count, examples.length);
    taken = Math.min(pairs.length, taken + count - examples.length);
  }
}

function tooFew(wanted: number, present: number): TrainError {
  return new TrainError(
    'no-data',
    `${wanted} labels are wanted and there are ${present}`,
    'give more pairs, or ask for fewer labels',
  );
}

function checkHead({ config, kind }: RewardAdaptation): void {
  const wanted = kind === 'generative' ? 'next-token' : 'score';
  if (kindOf(config).head === wanted) return;
  throw new TrainError(
    'bad-config',
    `a ${kind} reward model has a ${wanted} head, the configuration says ${config.architecture}`,
    'give the kind and the configuration of one model',
  );
}

async function trainCopy<Example>(
  { config, weights: start, options, onStep, signal }: RewardAdaptation,
  examples: readonly Example[],
  objective: Objective<Example>,
): Promise<Adaptation> {
  const weights = copyWeights(start);
  if (examples.length === 0) return { weights, history: [] };
  const { history } = await train({ config, weights, objective, examples, options, onStep, signal });
  return { weights, history };
}
