import { issuePath } from '@gram/base';
import { z } from 'zod';
import { PpoError } from './error.js';
import type { KlEstimator } from './kl.js';
import type { SamplingOptions } from './rollout/collect.js';

/** How advantages are made: with a value model, or from the other responses to the same prompt. */
export type AdvantageEstimator = 'gae' | 'rloo' | 'grpo';

/**
 * Hyper-parameters of a run. The defaults are those of the paper's RLHF study (section 4.2 of the reference) where they
 * are known; the others are our choice and say so.
 */
export interface PpoOptions {
  /** PPO steps; each draws a batch of prompts. Not known of the paper. */
  readonly steps: number;
  /** The most tokens of a response, the end token included. Not known of the paper. */
  readonly maxNewTokens: number;
  /** Prompts a step. @default 64 */
  readonly batchSize: number;
  /** Responses to each prompt; `rloo` and `grpo` need at least two. @default 1, and 4 for those */
  readonly samplesPerPrompt: number;
  /** How responses are drawn. @default temperature 0.75, topP 0.95 */
  readonly sampling: SamplingOptions;
  /** Whether the policy's greedy response is made for the reward function to compare with. @default true */
  readonly greedyReference: boolean;
  /** @default 'gae' */
  readonly advantages: AdvantageEstimator;
  /** PPO epochs: times that the responses of a step are gone through. @default 4 */
  readonly epochs: number;
  /** Responses of one gradient step. Our choice. @default 16 */
  readonly miniBatchSize: number;
  /** Responses that are computed at once; smaller needs less memory. @default miniBatchSize */
  readonly microBatchSize?: number;
  /** @default 1e-5 */
  readonly policyLearningRate: number;
  /** @default 5e-6 */
  readonly valueLearningRate: number;
  /** First steps in which only the value model learns. @default 30, and 0 without a value model */
  readonly valueOnlySteps: number;
  /** The paper's gamma: multiplies the standardised score. It is no discount. @default 10 */
  readonly rewardScale: number;
  /** Earlier scores that a score is standardised with; see `standardise`. @default 1000 */
  readonly queueSize: number;
  readonly kl: {
    /** The paper's alpha. Our choice. @default 0.05 */
    readonly weight: number;
    /** Our choice. @default 'k1' in the reward, 'k3' in the loss */
    readonly estimator: KlEstimator;
    /** Taken off the reward of each token, or added to the loss. Our choice. @default 'reward', 'loss' for grpo */
    readonly in: 'reward' | 'loss';
    /** The run stops when the mean KL of a step's responses is above this, in nats a response. @default never */
    readonly stop?: number;
  };
  /** Weight of a reward one token later. Our choice. @default 1 */
  readonly discount: number;
  /** See `gae`. Our choice. @default 0.95 */
  readonly lambda: number;
  /** Our choice. @default 0.2 */
  readonly clip: number;
  /** In units of the return, which the reward scale sets. Our choice. @default 0.2 * rewardScale */
  readonly valueClip: number;
  /** Largest global norm of a gradient. Our choice. @default 1 */
  readonly maxGradientNorm: number;
  /** Steps between scores on the validation prompts. @default 200 */
  readonly evaluateEvery: number;
  /** Scores on the validation prompts without a new best after which the run stops. @default never */
  readonly patience?: number;
  /** Steps between checkpoints of the run. @default evaluateEvery */
  readonly checkpointEvery: number;
  /** Decides the order of the prompts and every draw. @default 0 */
  readonly seed: number;
}

/** `PpoOptions` with the defaults left out. */
export type PpoOptionsInput = Pick<PpoOptions, 'steps' | 'maxNewTokens'> &
  Partial<Omit<PpoOptions, 'kl'>> & { readonly kl?: Partial<PpoOptions['kl']> };

const count = z.int().min(1);
const positive = z.number().positive();

const schema = z.strictObject({
  steps: count,
  maxNewTokens: count,
  batchSize: count.default(64),
  samplesPerPrompt: count.optional(),
  sampling: z
    .strictObject({ temperature: positive, topP: positive.max(1).default(1), topK: count.optional() })
    .default({ temperature: 0.75, topP: 0.95 }),
  greedyReference: z.boolean().default(true),
  advantages: z.enum(['gae', 'rloo', 'grpo']).default('gae'),
  epochs: count.default(4),
  miniBatchSize: count.default(16),
  microBatchSize: count.optional(),
  policyLearningRate: positive.default(1e-5),
  valueLearningRate: positive.default(5e-6),
  valueOnlySteps: z.int().min(0).optional(),
  rewardScale: positive.default(10),
  queueSize: count.default(1000),
  kl: z
    .strictObject({
      weight: z.number().min(0).default(0.05),
      estimator: z.enum(['k1', 'k2', 'k3', 'full']).optional(),
      in: z.enum(['reward', 'loss']).optional(),
      stop: positive.optional(),
    })
    .prefault({}),
  discount: z.number().min(0).max(1).default(1),
  lambda: z.number().min(0).max(1).default(0.95),
  clip: positive.lt(1).default(0.2),
  valueClip: positive.optional(),
  maxGradientNorm: positive.default(1),
  evaluateEvery: count.default(200),
  patience: count.optional(),
  checkpointEvery: count.optional(),
  seed: z.int().default(0),
});

/**
 * Checks options and fills in the defaults.
 *
 * @throws PpoError `bad-option`, naming the option
 */
export function ppoOptions(input: PpoOptionsInput): PpoOptions {
  const result = schema.safeParse(input);
  if (!result.success) {
    const [issue = { path: [], message: 'invalid' }] = result.error.issues;
    throw refuse(issuePath(issue) || 'the options', issue.message);
  }
  const given = result.data;
  const grouped = given.advantages !== 'gae';
  const klIn = given.kl.in ?? (given.advantages === 'grpo' ? 'loss' : 'reward');
  const options: PpoOptions = {
    ...given,
    samplesPerPrompt: given.samplesPerPrompt ?? (grouped ? 4 : 1),
    valueOnlySteps: given.valueOnlySteps ?? (grouped ? 0 : 30),
    checkpointEvery: given.checkpointEvery ?? given.evaluateEvery,
    valueClip: given.valueClip ?? 0.2 * given.rewardScale,
    kl: { ...given.kl, in: klIn, estimator: given.kl.estimator ?? (klIn === 'reward' ? 'k1' : 'k3') },
  };
  if (grouped && options.samplesPerPrompt < 2) {
    throw refuse('samplesPerPrompt', `is 1, and ${options.advantages} compares responses to one prompt`);
  }
  if (grouped && options.valueOnlySteps > 0) {
    throw refuse(
      'valueOnlySteps',
      `is ${options.valueOnlySteps}, and ${options.advantages} has no value model`,
    );
  }
  if (options.valueOnlySteps >= options.steps) {
    throw refuse(
      'valueOnlySteps',
      `is ${options.valueOnlySteps}: none of the ${options.steps} steps would train the policy`,
    );
  }
  return options;
}

function refuse(option: string, problem: string): PpoError {
  return new PpoError('bad-option', `${option}: ${problem}`, `correct ${option}`);
}
