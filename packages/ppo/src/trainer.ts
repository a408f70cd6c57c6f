import { copyWeights } from '@gram/model';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import { type Experience, klOfTokens, makeExperience, responseTokens } from './experience.js';
import { createLearner, type Learner, type LearnerResult } from './learner.js';
import { createPolicyMeter, type PolicyMeter } from './measure-policy.js';
import { type PolicyExample, policyObjective } from './objectives/policy.js';
import { type ValueExample, valueObjective } from './objectives/value.js';
import { type PpoOptions, ppoOptions } from './options.js';
import { openRunFiles, type RunFiles } from './output.js';
import { type RewardFunction, scoreGroups } from './reward-function.js';
import { collect, rewardGroups } from './rollout/collect.js';
import { createTokenMeter, type TokenMeter } from './rollout/measure.js';
import type { PpoResult, PpoRun, PpoStepRecord, StopReason } from './run.js';
import { miniBatches, planStep, promptsOfStep, type StepPlan } from './schedule.js';
import { standardise } from './score-queue.js';
import { checkRun, initialState } from './start.js';
import { bestStep, type PpoState } from './state.js';

/**
 * RLHF: trains a policy for a reward, by PPO with a value model or by group-relative advantages without one.
 *
 * Each step draws responses to a batch of prompts, scores them, standardises the scores with a queue of earlier ones and
 * multiplies them by the reward scale, in this order (the other way round the scale would cancel); takes the KL to the
 * frozen reference off the reward or adds it to the loss; estimates advantages; and takes gradient steps over a few
 * epochs of mini-batches. In the first steps the value model learns alone. The policy is scored on the validation
 * prompts from time to time, and the best one is kept.
 *
 * The run is a function of its arguments: stopped at any moment and resumed, it computes what it would have without the
 * stop, bit by bit.
 *
 * @throws PpoError of every code; the signal's reason
 */
export async function ppo(run: PpoRun): Promise<PpoResult> {
  const options = ppoOptions(run.options);
  checkRun(run, options);
  const { state, reference } = initialState(run);
  const files = await openRunFiles(run, options);
  await files?.load(state);
  const { policy, value } = run;
  const { microBatchSize = options.miniBatchSize, maxGradientNorm, kl } = options;
  const learning = { microBatchSize, maxGradientNorm };
  const sampler = createResponseSampler({ ...run, ...policy });
  const meter = createTokenMeter({ config: policy.config, policy: policy.weights, reference, value });
  const learners: Learners = {
    policy: createLearner(
      'policy',
      policy.config,
      policyObjective({ clip: options.clip, kl: kl.in === 'loss' ? { ...kl, reference } : undefined }),
      state.policy,
      { ...learning, learningRate: options.policyLearningRate },
    ),
    value:
      value &&
      createLearner('value model', value.config, valueObjective(options.valueClip), state.value!, {
        ...learning,
        learningRate: options.valueLearningRate,
      }),
  };
  const tools: Tools = { run, options, sampler, meter, learners };
  const validator = await createPolicyMeter({
    ...run,
    ...options,
    config: policy.config,
    policy: policy.weights,
    reference,
    prompts: run.validation,
  });
  try {
    if (state.step === 0 && state.evaluations.length === 0) {
      await score(state, validator, run, files);
      await files?.save(state);
    }
    while (state.stopped === undefined) {
      run.signal?.throwIfAborted();
      const plan = planStep(options, state.step + 1);
      const record = await takeStep(tools, state, plan);
      state.step++;
      state.steps.push(record);
      await run.onStep?.(record, options);
      const ends = stopReason(state, options);
      if (plan.evaluate || ends !== undefined) await score(state, validator, run, files);
      state.stopped = ends ?? patienceEnds(state, options);
      if (plan.checkpoint || state.stopped !== undefined) await files?.save(state);
    }
    await files?.finish(state);
  } finally {
    for (const tool of [sampler, meter, validator, learners.policy, learners.value]) tool?.dispose();
  }
  const { stopped, steps, evaluations, best } = state;
  return { stopped, steps, evaluations, best, reference };
}

interface Learners {
  readonly policy: Learner<PolicyExample>;
  readonly value: Learner<ValueExample> | undefined;
}

interface Tools {
  readonly run: PpoRun;
  readonly options: PpoOptions;
  readonly sampler: ResponseSampler;
  readonly meter: TokenMeter;
  readonly learners: Learners;
}

/** One step of the algorithm. */
async function takeStep(tools: Tools, state: PpoState, plan: StepPlan): Promise<PpoStepRecord> {
  const { run, options, sampler, meter } = tools;
  const { signal } = run;
  const step = state.step + 1;
  const chosen = promptsOfStep(run.prompts.length, options.batchSize, options.seed, step);
  const prompts = chosen.map((i) => run.prompts[i]!);
  const rollouts = await collect(sampler, prompts, { ...options, stream: step, signal });
  const scores = await scoreGroups(run.reward, rewardGroups(rollouts), { signal });
  const { standardised, queue } = standardise(state.queue, scores.flat(), options.queueSize);
  const tokens = responseTokens(rollouts);
  const references = await meter.reference(tokens, options.kl.estimator === 'full', signal);
  const values = tools.learners.value && (await meter.values(tokens, signal));
  const responses = tokens.map((response, i) => ({
    ...response,
    reference: references[i]!,
    values: values?.[i],
    score: options.rewardScale * standardised[i]!,
  }));
  const size = options.samplesPerPrompt;
  const groups = prompts.map((_, i) => responses.slice(i * size, (i + 1) * size));
  const learned = await learn(tools, makeExperience(groups, options), step, plan);
  state.queue = queue;
  const sampled = rollouts.flatMap((rollout) => rollout.responses);
  return {
    step,
    score: mean(scores.flat()),
    kl: mean(responses.map((response) => sum(klOfTokens(response, options.kl.estimator)))),
    length: mean(sampled.map(({ ids }) => ids.length)),
    ended: mean(sampled.map(({ finished }) => Number(finished === 'stop'))),
    ...learned,
  };
}

/** The gradient steps: some epochs of mini-batches, for the value model and, once that is warm, for the policy. */
async function learn(
  { options, learners }: Tools,
  experience: readonly Experience[],
  step: number,
  { updatePolicy }: StepPlan,
): Promise<Omit<PpoStepRecord, 'step' | 'score' | 'kl' | 'length' | 'ended'>> {
  const policy: LearnerResult[] = [];
  const value: LearnerResult[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (const batch of miniBatches(experience, options.miniBatchSize, options.seed, step, epoch)) {
      if (learners.value !== undefined)
        value.push(await learners.value.learn(batch as readonly ValueExample[]));
      if (updatePolicy) policy.push(await learners.policy.learn(batch));
    }
  }
  const over = (results: readonly LearnerResult[], of: (result: LearnerResult) => number) => {
    const applied = results.filter((result) => result.applied);
    return applied.length === 0 ? undefined : mean(applied.map(of));
  };
  return {
    policyLoss: over(policy, ({ loss }) => loss),
    valueLoss: over(value, ({ loss }) => loss),
    approxKl: over(policy, ({ metrics }) => metrics.approxKl!),
    clipped: over(policy, ({ metrics }) => metrics.clipped!),
    skipped: [...policy, ...value].filter(({ applied }) => !applied).length,
  };
}

/** Scores the policy on the validation prompts and keeps it if it is the best one. */
async function score(
  state: PpoState,
  validator: PolicyMeter,
  run: PpoRun,
  files: RunFiles | undefined,
): Promise<void> {
  const { reward, heldOut } = run;
  const functions: Record<string, RewardFunction> = heldOut === undefined ? { reward } : { reward, heldOut };
  const { rewards, kl } = await validator.measure(functions);
  const means = Object.fromEntries(Object.entries(rewards).map(([name, values]) => [name, mean(values)]));
  const measured = { ...(means as { reward: number; heldOut?: number }), kl: mean(kl) };
  const worth = (each: { reward: number; heldOut?: number }) => each.heldOut ?? each.reward;
  const known = state.evaluations.map(worth);
  const best = known.every((other) => worth(measured) > other);
  const evaluation = { step: state.step, ...measured, best };
  state.evaluations.push(evaluation);
  if (best) {
    state.best = { step: state.step, weights: copyWeights(run.policy.weights) };
    await files?.saveBest(state);
  }
  await run.onEvaluation?.(evaluation);
}

function stopReason({ step, steps }: PpoState, options: PpoOptions): StopReason | undefined {
  if (options.kl.stop !== undefined && steps.at(-1)!.kl > options.kl.stop) return 'kl';
  return step >= options.steps ? 'steps' : undefined;
}

function patienceEnds({ evaluations }: PpoState, { patience }: PpoOptions): StopReason | undefined {
  if (patience === undefined) return undefined;
  const since = evaluations.filter(({ step }) => step > bestStep(evaluations)).length;
  return since >= patience ? 'patience' : undefined;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
