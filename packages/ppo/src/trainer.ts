import { copyWeights } from '@gram/model';
import { type Experience, klOfTokens, makeExperience, responseTokens } from './experience.js';
import type { LearnerResult } from './learner.js';
import type { ValueExample } from './objectives/value.js';
import { type PpoOptions, ppoOptions } from './options.js';
import { openRunFiles, type RunFiles } from './output.js';
import { type RewardFunction, scoreGroups } from './reward-function.js';
import { collect, rewardGroups } from './rollout/collect.js';
import type { PpoResult, PpoRun, PpoStepRecord, StopReason } from './run.js';
import { miniBatches, planStep, promptsOfStep, type StepPlan } from './schedule.js';
import { standardise } from './score-queue.js';
import { checkRun, initialState } from './start.js';
import { bestStep, type PpoState } from './state.js';
import { openTools, type Tools } from './tools.js';

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
  const tools = await openTools(run, options, state, reference);
  try {
    if (state.step === 0 && state.evaluations.length === 0) {
      await score(tools, state, files);
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
      if (plan.evaluate || ends !== undefined) await score(tools, state, files);
      state.stopped = ends ?? patienceEnds(state, options);
      if (plan.checkpoint || state.stopped !== undefined) await files?.save(state);
    }
    await files?.finish(state);
  } finally {
    tools.dispose();
  }
  const { stopped, steps, evaluations, best } = state;
  return { stopped, steps, evaluations, best, reference };
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
  const values = tools.value && (await meter.values(tokens, signal));
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
  { options, policy: policyLearner, value: valueLearner }: Tools,
  experience: readonly Experience[],
  step: number,
  { updatePolicy }: StepPlan,
): Promise<Omit<PpoStepRecord, 'step' | 'score' | 'kl' | 'length' | 'ended'>> {
  const policy: LearnerResult[] = [];
  const value: LearnerResult[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (const batch of miniBatches(experience, options.miniBatchSize, options.seed, step, epoch)) {
      if (valueLearner !== undefined) value.push(await valueLearner.learn(batch as readonly ValueExample[]));
      if (updatePolicy) policy.push(await policyLearner.learn(batch));
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
async function score({ run, validator }: Tools, state: PpoState, files: RunFiles | undefined): Promise<void> {
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
