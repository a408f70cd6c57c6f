import { checkMemory, mean, withinMemory, zip } from '@gram/base';
import { copyWeights } from '@gram/model';
import type { StepRecord } from '@gram/run';
import { type Experience, klOfTokens, makeExperience } from './advantages/experience.js';
import { PpoError } from './error.js';
import type { PolicyMetric } from './objectives/policy.js';
import type { ValueExample } from './objectives/value.js';
import { type PpoOptions, ppoOptions } from './options.js';
import { askRewards, meanRewards } from './rewards/reward-list.js';
import { standardize } from './rewards/score-queue.js';
import { collect, responseTokens, rewardGroups } from './rollout/collect.js';
import { conductPpo, type TakeSteps } from './run/conduct.js';
import type { LearnerResult } from './run/learner.js';
import { newestRecord } from './run/records.js';
import type { PpoEvaluation, PpoResult, PpoRun, PpoStepRecord } from './run/run.js';
import { samplesOf } from './run/samples.js';
import { miniBatches, planStep, promptsOfStep, type StepPlan } from './run/schedule.js';
import { checkRun, initialState, runNeed } from './run/start.js';
import { isEvaluationDue, type PpoState, stopReason, worthOf } from './run/state.js';
import { noteFlags, textFlags } from './run/text-flags.js';
import { openTools, type Tools } from './run/tools.js';

/**
 * Trains a policy for a reward, by PPO with a value model or by group-relative advantages without one.
 *
 * Each step draws responses to a batch of prompts, scores them, standardizes the scores with a queue of earlier ones and
 * multiplies them by the reward scale, in this order (the other way round the scale would cancel); subtracts the KL to
 * the frozen reference from the reward or adds it to the loss; estimates advantages; and takes gradient steps over a few
 * epochs of mini-batches. In the first steps the value model learns alone. The policy is scored on the validation
 * prompts from time to time, and the best one is kept.
 *
 * The run is a function of its arguments: stopped at any moment and resumed, it computes what it would have without the
 * stop, bit by bit.
 *
 * @throws PpoError of every code; BaseError `out-of-memory`, with what the run takes and what to lower; the signal's reason
 *
 * @example
 * ```ts
 * const { best, evaluations } = await ppo({
 *   ...{ policy, tokenizer, encoder, prompts, validation },
 *   value: valueModelFrom(policy),
 *   reward: preferenceReward(judge),
 *   options: { steps: 1000, maxNewTokens: 64 },
 *   output: 'runs/ppo',
 * });
 * ```
 */
export async function ppo(run: PpoRun): Promise<PpoResult> {
  const options = ppoOptions(run.options);
  checkRun(run, options);
  const need = runNeed(run, options);
  checkMemory(need);
  const { state, reference } = await withinMemory(need, () => initialState(run, options));
  const takeSteps: TakeSteps = async ({ signal, onStep }) => {
    const tools = await openTools({ ...run, signal }, options, { state, reference });
    try {
      await learnToTheEnd(tools, state, (record) => onStep(record, state, options.steps));
    } finally {
      tools.dispose();
    }
  };
  const { output, signal } = run;
  await withinMemory(need, () =>
    output === undefined
      ? takeSteps({ signal, onStep: async () => {} })
      : conductPpo({ ...run, output }, options, state, takeSteps),
  );
  const { stopped = 'steps', steps, evaluations, best } = state;
  return { stopped, steps, evaluations, best, reference };
}

/** Takes steps and scores the policy until the run ends. Between two of both the state is whole. */
async function learnToTheEnd(
  tools: Tools,
  state: PpoState,
  onRecord: (record: StepRecord) => Promise<void>,
): Promise<void> {
  const { run, options } = tools;
  while (state.stopped === undefined) {
    run.signal?.throwIfAborted();
    if (!isEvaluationDue(state, options)) {
      const record = await takeStep(tools, state, planStep(options, state.step + 1));
      state.step++;
      state.steps.push(record);
      await run.onStep?.(record, options);
    }
    if (isEvaluationDue(state, options)) await score(tools, state);
    const record = newestRecord(state);
    state.history.push(record);
    await onRecord(record);
  }
}

/** Takes one step of the algorithm. */
async function takeStep(tools: Tools, state: PpoState, plan: StepPlan): Promise<PpoStepRecord> {
  const { run, options, sampler, meter } = tools;
  const { signal } = run;
  const { step } = plan;
  const prompts = promptsOfStep(run.prompts, options.batchSize, { ...options, step });
  const rollouts = await collect(sampler, prompts, { ...options, stream: step, signal });
  const asked = rewardGroups(rollouts);
  const rewarded = await askRewards(tools.rewards, asked, { signal });
  const scored = rewarded.groups.flat();
  const failed = scored.filter((each) => each.failed).length;
  checkFailures(step, { failed, responses: scored.length }, options);
  const scores = scored.flatMap(({ reward }) => reward ?? []);
  const { standardized, queue } = standardize(state.queue, scores, options.queueSize);
  const tokens = responseTokens(rollouts);
  const references = await meter.reference(tokens, options.kl.estimator === 'full', signal);
  const values = tools.value ? await meter.values(tokens, signal) : tokens.map(() => undefined);
  const given = standardized.values();
  const responses = zip(zip(tokens, scored), zip(references, values)).map(
    ([[response, { reward }], [reference, values]]) => ({
      ...response,
      reference,
      values,
      // Scores are in the order of the responses that have a reward.
      score: reward === null ? null : options.rewardScale * (given.next().value ?? Number.NaN),
    }),
  );
  const size = options.samplesPerPrompt;
  const groups = prompts.map((_, i) => learnable(responses.slice(i * size, (i + 1) * size), options));
  const learned = await learn(tools, makeExperience(groups, options), plan);
  state.queue = queue;
  const sampled = rollouts.flatMap((rollout) => rollout.responses);
  const kls = responses.map((response) => sum(klOfTokens(response, options.kl.estimator)));
  state.samples = samplesOf(step, asked, { rewards: scored, kl: kls });
  const flags = textFlags(scored, rollouts);
  noteFlags(run, state.steps, { ...flags, step });
  return {
    step,
    ...(scores.length > 0 && { score: mean(scores) }),
    rewards: meanRewards(tools.rewards, scored),
    unrewarded: scored.length - scores.length,
    failed,
    failedCalls: rewarded.failedCalls,
    kl: mean(kls),
    ...flags,
    tokens: sum(sampled.map(({ ids }) => ids.length)),
    length: mean(sampled.map(({ ids }) => ids.length)),
    ended: mean(sampled.map(({ finished }) => Number(finished === 'stop'))),
    ...learned,
  };
}

/** Takes the gradient steps: some epochs of mini-batches, for the value model and, once that is warm, for the policy. */
async function learn(
  { options, policy: policyLearner, value: valueLearner }: Tools,
  experience: readonly Experience[],
  { step, updatePolicy }: StepPlan,
): Promise<Pick<PpoStepRecord, 'policyLoss' | 'valueLoss' | 'approxKl' | 'clipped' | 'skipped'>> {
  const { epochs, miniBatchSize, seed } = options;
  const policy: LearnerResult<PolicyMetric>[] = [];
  const value: LearnerResult<never>[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of miniBatches(experience, miniBatchSize, { seed, step, epoch })) {
      if (valueLearner !== undefined) value.push(await valueLearner.learn(batch as readonly ValueExample[]));
      if (updatePolicy) policy.push(await policyLearner.learn(batch));
    }
  }
  return {
    policyLoss: meanOfApplied(policy, ({ loss }) => loss),
    valueLoss: meanOfApplied(value, ({ loss }) => loss),
    approxKl: meanOfApplied(policy, ({ metrics }) => metrics.approxKl),
    clipped: meanOfApplied(policy, ({ metrics }) => metrics.clipped),
    skipped: [...policy, ...value].filter(({ applied }) => !applied).length,
  };
}

/** Scores the policy on the validation prompts and keeps it if it is the best one. */
async function score(tools: Tools, state: PpoState): Promise<void> {
  const { run, options } = tools;
  const measured = await measurePolicy(tools);
  const best = state.evaluations.every((other) => worthOf(measured) > worthOf(other));
  const evaluation = { step: state.step, ...measured, best };
  state.evaluations.push(evaluation);
  if (best) state.best = { step: state.step, weights: copyWeights(run.policy.weights) };
  state.stopped = stopReason(state, options);
  await run.onEvaluation?.(evaluation);
}

/** Measures mean rewards and the mean exact KL of the policy on the validation prompts. */
async function measurePolicy({
  rewards,
  heldOut,
  validator,
  signal,
}: Tools): Promise<Omit<PpoEvaluation, 'step' | 'best'>> {
  const { groups, kl } = await validator.sample();
  const list = heldOut === undefined ? rewards : [...rewards, heldOut];
  const scored = (await askRewards(list, groups, { signal })).groups.flat();
  const given = scored.flatMap(({ reward }) => reward ?? []);
  if (given.length === 0) {
    throw new PpoError(
      'reward-failed',
      `none of the ${scored.length} responses to the validation prompts has a reward`,
      'see to the reward functions, then resume from the last checkpoint',
    );
  }
  const means = meanRewards(list, scored);
  const { truncated, neutralized } = textFlags(scored, []);
  return {
    reward: mean(given),
    rewards: means,
    ...(heldOut && { heldOut: means[heldOut.name] }),
    unrewarded: scored.length - given.length,
    ...{ truncated, neutralized },
    kl: mean(kl),
  };
}

/** The responses to one prompt that are learned from: those with a reward, and in a group only if there is another one. */
function learnable<Response extends { readonly score: number | null }>(
  responses: readonly Response[],
  { advantages }: Pick<PpoOptions, 'advantages'>,
): (Response & { readonly score: number })[] {
  const given = responses.flatMap((response) => {
    const { score } = response;
    return score === null ? [] : [{ ...response, score }];
  });
  return advantages !== 'gae' && given.length < 2 ? [] : given;
}

/** Ends a run of which too many rewards fail. @throws PpoError `reward-failed` */
function checkFailures(
  step: number,
  { failed, responses }: { readonly failed: number; readonly responses: number },
  { maxFailedShare }: PpoOptions,
): void {
  if (failed <= maxFailedShare * responses) return;
  throw new PpoError(
    'reward-failed',
    `the rewards of ${failed} of the ${responses} responses of step ${step} failed, more than maxFailedShare ${maxFailedShare} allows`,
    'see to the reward functions, then resume from the last checkpoint',
  );
}

/** Mean over the gradient steps that were applied; undefined without any. */
function meanOfApplied<Metric extends string>(
  results: readonly LearnerResult<Metric>[],
  of: (result: LearnerResult<Metric>) => number,
): number | undefined {
  const applied = results.filter((result) => result.applied);
  return applied.length === 0 ? undefined : mean(applied.map(of));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
