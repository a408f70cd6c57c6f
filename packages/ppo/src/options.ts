import { issuePath } from '@gram/base';
import { adamW, isOptimizer, type Optimizer, scheduleNames } from '@gram/train';
import { z } from 'zod';
import { PpoError } from './error.js';
import { lossAggregations } from './losses/aggregation.js';
import { klEstimators } from './losses/kl.js';

/** Where the default of an option comes from. */
type Source = 'paper' | 'GRPO paper' | 'DAPO paper' | 'our choice' | 'not known';

/** Documents an option: the README has these notes. `usual` is the default where it depends on other options. */
const note = (description: string, source: Source, usual?: string) => ({ description, source, usual });

const count = z.int().min(1);
const positive = z.number().positive();
const share = z.number().min(0).max(1);

/**
 * Every option with its type, check, default and description. The type `PpoOptions` and the table of the README follow
 * from it.
 *
 * The defaults are those of the paper's RLHF study (section 4.2 of the GRAM paper) where they are known.
 */
export const optionFields = z.strictObject({
  steps: count.meta(note('PPO steps; each draws a batch of prompts', 'not known')),
  maxNewTokens: count.meta(note('largest number of tokens in a response, with the end token', 'not known')),
  batchSize: count.default(64).meta(note('prompts in a step', 'paper')),
  samplesPerPrompt: count
    .optional()
    .meta(
      note('responses to each prompt; `rloo` and `grpo` need at least 2', 'paper', '1 for `gae`, else 4'),
    ),
  sampling: z
    .strictObject({
      temperature: positive.meta(note('divides the logits', 'paper', '`0.75`')),
      topP: positive
        .max(1)
        .default(1)
        .meta(
          note(
            'probability mass that tokens are drawn from',
            'paper',
            '`0.95`, or `1` where `sampling` is given',
          ),
        ),
      topK: count.optional().meta(note('number of tokens that are drawn from', 'not known', 'all')),
    })
    .default({ temperature: 0.75, topP: 0.95 })
    .meta(note('how responses are drawn; the paper names the values for best-of-n', 'paper')),
  rolloutPrecision: z
    .enum(['float32', 'int8'])
    .default('float32')
    .meta(
      note(
        "how the layers' matrices are kept while responses are drawn; see `truncatedRatios`",
        'our choice',
      ),
    ),
  importanceCap: z
    .number()
    .min(1)
    .default(2)
    .meta(note('largest weight of a token that a rounded policy drew', 'our choice')),
  greedyReference: z
    .boolean()
    .default(true)
    .meta(note("makes the policy's greedy response for the reward function to compare with", 'paper')),
  objective: z
    .enum(['surrogate', 'preference', 'best'])
    .default('surrogate')
    .meta(
      note(
        'what the policy learns from: advantages, pairs of the best and the worst response (online DPO), or the best response (best-of-n distillation)',
        'paper',
      ),
    ),
  advantages: z
    .enum(['gae', 'rloo', 'grpo', 'none'])
    .optional()
    .meta(
      note(
        'estimates advantages with a value model, or from responses to one prompt',
        'not known',
        '`gae`, and `none` for another `objective`',
      ),
    ),
  groupScale: z
    .enum(['deviation', 'none'])
    .default('deviation')
    .meta(
      note('divisor of the advantages of `grpo`; `none` is Dr. GRPO, see `grpoAdvantages`', 'GRPO paper'),
    ),
  aggregation: z
    .enum(lossAggregations)
    .optional()
    .meta(
      note(
        'mean that the policy loss is, see `LossAggregation`',
        'GRPO paper',
        '`sequence` for `grpo`, else `token`',
      ),
    ),
  dynamicSampling: z
    .strictObject({
      maxRounds: count
        .min(2)
        .default(10)
        .meta(note('most batches of prompts that are drawn for one step', 'our choice', '`10`')),
    })
    .optional()
    .meta(
      note(
        'draws further prompts in place of those whose responses all have the same reward',
        'DAPO paper',
        'prompts are drawn once',
      ),
    ),
  unended: z
    .strictObject({
      penalty: z
        .number()
        .min(0)
        .default(0)
        .meta(note('subtracted from the reward of a response without an end token', 'our choice')),
      mask: z
        .boolean()
        .default(false)
        .meta(
          note(
            'keeps responses without an end token out of the loss; their rewards stay in the baseline',
            'our choice',
          ),
        ),
    })
    .prefault({}),
  epochs: count.default(4).meta(note('passes over the responses of a step', 'paper')),
  miniBatchSize: count.default(16).meta(note('responses in a gradient step', 'our choice')),
  microBatchSize: count
    .optional()
    .meta(note('responses computed at once; only changes the memory', 'our choice', '`miniBatchSize`')),
  optimizer: z
    .custom<Optimizer>(isOptimizer, 'must be an optimizer, for example adamW() of @gram/train')
    .default(() => adamW())
    .meta(note('update rule of the policy and the value model', 'our choice', '`adamW()`, no decay')),
  policyLearningRate: positive.default(1e-5).meta(note('highest learning rate of the policy', 'paper')),
  valueLearningRate: positive.default(5e-6).meta(note('highest learning rate of the value model', 'paper')),
  schedule: z
    .enum(scheduleNames)
    .default('constant')
    .meta(note('how both rates fall over the steps, see `learningRateAt` of @gram/train', 'our choice')),
  warmupRatio: share
    .lt(1)
    .default(0)
    .meta(note("share of a model's own steps in which its rate rises from 0", 'our choice')),
  valueOnlySteps: z
    .int()
    .min(0)
    .optional()
    .meta(note('first steps, in which only the value model learns', 'paper', '30 for `gae`, else 0')),
  rewardScale: positive.default(10).meta(note("the paper's gamma, a factor on standardized scores", 'paper')),
  standardization: z
    .enum(['queue', 'none'])
    .default('queue')
    .meta(note('whether the scores are standardized with earlier ones before they are scaled', 'paper')),
  queueSize: count.default(1000).meta(note('earlier scores that `standardize` uses', 'paper')),
  kl: z
    .strictObject({
      weight: z
        .number()
        .min(0)
        .optional()
        .meta(
          note(
            "the paper's alpha; for `preference` the beta of DPO",
            'our choice',
            '`0.05`, for `preference` `0.1`, and 0 for `best` and without a reference',
          ),
        ),
      target: positive
        .optional()
        .meta(
          note(
            'KL of a response, in nats, that the weight is adapted to, see `adaptedKlWeight`',
            'our choice',
            'the weight stays',
          ),
        ),
      horizon: count.default(10_000).meta(note('responses over which the weight adapts', 'our choice')),
      estimator: z
        .enum(klEstimators)
        .optional()
        .meta(note('see `KlEstimator`', 'our choice', '`k1` in the reward, `k3` in the loss')),
      in: z
        .enum(['reward', 'loss'])
        .optional()
        .meta(note('where the KL is subtracted or added', 'our choice', '`loss` for `grpo`, else `reward`')),
      stop: positive
        .optional()
        .meta(note('ends the run above this mean KL of a step, in nats a response', 'our choice', 'never')),
    })
    .prefault({}),
  reference: z
    .enum(['start', 'none'])
    .default('start')
    .meta(
      note(
        'model that the KL is measured to: the policy at the start or the `reference` of the run, or none',
        'paper',
      ),
    ),
  discount: share.default(1).meta(note('weight of a reward one token later, see `gae`', 'our choice')),
  lambda: share.default(0.95).meta(note('see `gae`', 'our choice')),
  clip: positive
    .lt(1)
    .default(0.2)
    .meta(note('distance of the bounds of the probability ratio from 1, see `policyTerms`', 'our choice')),
  clipHigh: positive
    .optional()
    .meta(note('distance of the upper bound alone; 0.28 in the DAPO paper', 'DAPO paper', '`clip`')),
  entropyWeight: z
    .number()
    .min(0)
    .default(0)
    .meta(
      note('weight of the entropy of the next token, which is subtracted from the policy loss', 'our choice'),
    ),
  valueClip: positive
    .optional()
    .meta(note('see `valueLosses`, in units of the return', 'our choice', '0.2 `rewardScale`')),
  maxGradientNorm: positive.default(1).meta(note('largest global norm of a gradient', 'our choice')),
  maxFailedShare: share
    .default(0.5)
    .meta(
      note('share of the responses of a step whose rewards may fail; with more the run ends', 'our choice'),
    ),
  evaluateEvery: count.default(200).meta(note('steps between scores on the validation prompts', 'paper')),
  patience: count
    .optional()
    .meta(note('ends the run after so many scores without a new best', 'our choice', 'never')),
  checkpointEvery: count
    .optional()
    .meta(note('steps between checkpoints of the run', 'our choice', '`evaluateEvery`')),
  seed: z.int().default(0).meta(note('decides the order of the prompts and every draw', 'our choice')),
});

/** Weight of the KL where none is given; for `preference` it is the beta of DPO. */
const USUAL_KL_WEIGHT = { surrogate: 0.05, preference: 0.1, best: 0 };

/** Fills in the defaults that depend on other options, and refuses options that contradict each other. */
const schema = optionFields
  .transform((given) => {
    const advantages = given.advantages ?? (given.objective === 'surrogate' ? 'gae' : 'none');
    const grouped = advantages !== 'gae';
    const { weight = given.reference === 'none' ? 0 : USUAL_KL_WEIGHT[given.objective] } = given.kl;
    const klIn = given.kl.in ?? (given.advantages === 'grpo' ? 'loss' : 'reward');
    return {
      ...given,
      advantages,
      samplesPerPrompt: given.samplesPerPrompt ?? (grouped ? 4 : 1),
      valueOnlySteps: given.valueOnlySteps ?? (grouped ? 0 : 30),
      checkpointEvery: given.checkpointEvery ?? given.evaluateEvery,
      valueClip: given.valueClip ?? 0.2 * given.rewardScale,
      clipHigh: given.clipHigh ?? given.clip,
      aggregation: given.aggregation ?? (given.advantages === 'grpo' ? 'sequence' : 'token'),
      kl: {
        ...given.kl,
        weight,
        in: klIn,
        estimator: given.kl.estimator ?? (klIn === 'reward' ? 'k1' : 'k3'),
      },
    } as const;
  })
  .superRefine((options, context) => {
    const { advantages, samplesPerPrompt, valueOnlySteps, steps, kl, clip, clipHigh } = options;
    const refuse = (option: string, message: string) =>
      context.addIssue({ code: 'custom', path: option.split('.'), message });
    const method = options.objective === 'surrogate' ? advantages : options.objective;
    if (method !== 'gae' && samplesPerPrompt < 2) {
      refuse('samplesPerPrompt', `is 1, and ${method} compares responses to one prompt`);
    }
    if (method !== 'gae' && valueOnlySteps > 0) {
      refuse('valueOnlySteps', `is ${valueOnlySteps}, and ${method} has no value model`);
    }
    if (method === 'none') refuse('advantages', 'is none, and the surrogate needs them');
    if (options.objective !== 'surrogate') {
      if (advantages !== 'none') refuse('advantages', `is ${advantages}, and ${method} needs none`);
      if (options.entropyWeight > 0)
        refuse('entropyWeight', `belongs to the surrogate, and not to ${method}`);
      if (kl.target !== undefined) refuse('kl.target', `belongs to the surrogate, and not to ${method}`);
    }
    if (method === 'preference' && kl.weight === 0) {
      refuse('kl.weight', 'is 0, and the beta of DPO is above 0; it needs a reference');
    }
    if (method === 'best' && kl.weight > 0) {
      refuse('kl.weight', `is ${kl.weight}, and the best response is imitated without a KL`);
    }
    if (advantages !== 'grpo' && options.groupScale !== 'deviation') {
      refuse('groupScale', `is ${options.groupScale}, and ${advantages} divides by no deviation`);
    }
    if (options.dynamicSampling !== undefined && samplesPerPrompt < 2) {
      refuse('dynamicSampling', 'compares the responses to one prompt, and samplesPerPrompt is 1');
    }
    if (clipHigh < clip) refuse('clipHigh', `is ${clipHigh}, below clip, which is ${clip}`);
    if (options.reference === 'none') {
      const needed = ['weight', 'target', 'stop'] as const;
      for (const name of needed) {
        if ((kl[name] ?? 0) > 0)
          refuse(`kl.${name}`, `is ${kl[name]}, and without a reference there is no KL`);
      }
    }
    if (kl.target !== undefined && kl.weight === 0) refuse('kl.target', 'is set, and a weight of 0 stays 0');
    if (valueOnlySteps >= steps) {
      refuse('valueOnlySteps', `is ${valueOnlySteps}: none of the ${steps} steps would train the policy`);
    }
  });

type DeepReadonly<T> = T extends Optimizer
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** Hyper-parameters of a run with the defaults filled in. The README lists them. */
export interface PpoOptions extends DeepReadonly<z.output<typeof schema>> {}

/** Hyper-parameters of a run, of which those with a default may be left out. */
export interface PpoOptionsInput extends DeepReadonly<z.input<typeof schema>> {}

/** Estimator of advantages: with a value model, or from the other responses to the same prompt. */
export type AdvantageEstimator = Exclude<PpoOptions['advantages'], 'none'>;

/** Names the method of a run, as its command does. */
export function methodOf({ objective, advantages }: Pick<PpoOptions, 'objective' | 'advantages'>): string {
  if (objective === 'surrogate') return advantages === 'gae' ? 'ppo' : advantages;
  return objective === 'preference' ? 'online-dpo' : 'distill';
}

/** Settings with which responses are drawn. */
export type SamplingOptions = PpoOptions['sampling'];

/**
 * Checks options and fills in the defaults.
 *
 * @throws PpoError `bad-option`, naming the option
 *
 * @example
 * ```ts
 * const { kl, samplesPerPrompt } = ppoOptions({ steps: 1000, maxNewTokens: 300, advantages: 'grpo' });
 * // kl.estimator is 'k3' in the loss, and each prompt gets 4 responses
 * ```
 */
export function ppoOptions(input: PpoOptionsInput): PpoOptions {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue = { path: [], message: 'is invalid' }] = result.error.issues;
  const option = issuePath(issue) || 'the options';
  throw new PpoError('bad-option', `${option}: ${issue.message}`, `correct ${option}`);
}
