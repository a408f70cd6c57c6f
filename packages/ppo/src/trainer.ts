import { checkMemory, mean, withinMemory, zip } from '@gram/base';
import { copyWeights } from '@gram/model';
import type { StepRecord } from '@gram/run';
import { computesInHostMemory, singleProcess } from '@gram/train';
import {
  type Experience,
  klOfTokens,
  type MeasuredResponse,
  makeExperience,
} from './advantages/experience.js';
import { type RatioSummary, summarizeRatios, truncatedRatios } from './advantages/importance.js';
import { adaptedKlWeight } from './advantages/kl-weight.js';
import { PpoError } from './error.js';
import type { LearnerResult } from './learning/learner.js';
import type { Lesson } from './learning/policy-learner.js';
import type { ValueExample } from './objectives/value.js';
import { type PpoOptions, ppoOptions } from './options.js';
import { together } from './ranks/together.js';
import { askTogether } from './rewards/ask-together.js';
import { checkFailures } from './rewards/failures.js';
import { meanRewards } from './rewards/reward-list.js';
import { standardize } from './rewards/score-queue.js';
import { vary } from './rewards/signal.js';
import { responseTokens, rewardGroups } from './rollout/collect.js';
import type { PolicyMeter } from './rollout/policy-meter.js';
import { conductPpo, type TakeSteps } from './run/conduct.js';
import { copyProgress, joinRanks } from './run/ranks.js';
import { newestRecord } from './run/records.js';
import type { PpoEvaluation, PpoResult, PpoRun, PpoStepRecord } from './run/run.js';
import { checkRun, initialState, runNeed } from './run/start.js';
import { isEvaluationDue, type PpoState, stopReason, worthOf } from './run/state.js';
import { noteFlags, textFlags } from './run/text-flags.js';
import { openTools, type Tools } from './run/tools.js';
import { partingStep, partingText } from './samples/parting.js';
import { samplesOf } from './samples/samples.js';
import { type ScoredRollout, sampleStep, scoresOf } from './steps/sample-step.js';
import { miniBatches, planStep, type StepPlan } from './steps/schedule.js';

/**
 * Trains a policy for a reward: by PPO with a value model, by group-relative advantages without one, or from the best and the worst
 * of its responses (`objective`).
 *
 * Each step draws responses to a batch of prompts, scores them, standardizes the scores with a queue of earlier ones and
 * multiplies them by the reward scale, in this order (the other way round the scale would cancel); subtracts the KL to
 * the frozen reference from the reward or adds it to the loss; estimates advantages; and takes gradient steps over a few
 * epochs of mini-batches. In the first steps the value model learns alone. The policy is scored on the validation
 * prompts from time to time, and the best one is kept.
 *
 * The run is a function of its arguments: stopped at any moment and resumed, it computes what it would have without the
 * stop, bit by bit. With several ranks, each of which makes this call with the same run, it is that of one process up to rounding:
 * prompts and gradients are shared, scores, advantages and mini-batches are those of the whole step on each of them.
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
  if (await computesInHostMemory({ device: run.device ?? 'cpu' })) checkMemory(need);
  const { state, frozen } = await withinMemory(need, () => initialState(run, options));
  const { output, signal, communicator = singleProcess } = run;
  await joinRanks(run, options);
  const takeSteps: TakeSteps = async ({ signal, needsState, onStep }) => {
    await copyProgress(communicator, state);
    const watched = communicator.rank === 0 ? run : { ...run, onNote: () => {} };
    const tools = await openTools({ ...watched, signal }, options, { state, frozen });
    try {
      await learnToTheEnd(tools, state, {
        needsState,
        onRecord: (record) => onStep(record, state, options.steps),
      });
    } finally {
      await closeTools(tools);
    }
  };
  const follows = output === undefined || communicator.rank > 0;
  await withinMemory(need, () =>
    follows
      ? takeSteps({ signal, needsState: () => false, onStep: async () => {} })
      : conductPpo({ ...run, output }, options, state, takeSteps),
  );
  // Without validation prompts the newest policy is the best one.
  if (follows && !state.isValidated) {
    state.best = { step: state.step, weights: copyWeights(state.policy.weights) };
  }
  const { stopped = 'steps', steps, evaluations, best } = state;
  return { stopped, steps, evaluations, best, reference: frozen.reference };
}

/** Brings what was learned to host memory, after an error too: a checkpoint may hold the last whole step. */
async function closeTools(tools: Tools): Promise<void> {
  try {
    await tools.collect();
  } finally {
    tools.dispose();
  }
}

interface Watching {
  /** Whether the weights are read after a step. */
  needsState(step: number): boolean;
  onRecord(record: StepRecord): Promise<void>;
}

/** Takes steps and scores the policy until the run ends. Between two of both the state is whole. */
async function learnToTheEnd(
  tools: Tools,
  state: PpoState,
  { needsState, onRecord }: Watching,
): Promise<void> {
  const { run, options, team } = tools;
  const isFirst = team.communicator.rank === 0;
  while (state.stopped === undefined) {
    await together(team, () => run.signal?.throwIfAborted());
    if (!isEvaluationDue(state, options)) {
      const record = await takeStep(tools, state, planStep(options, state.step + 1));
      state.step++;
      state.steps.push(record);
      if (isFirst) await team.communicator.patiently(() => run.onStep?.(record, options));
    }
    if (isEvaluationDue(state, options)) await score(tools, state);
    state.stopped = stopReason(state, options);
    const record = newestRecord(state);
    state.history.push(record);
    if (needsState(state.step)) await tools.collect();
    if (isFirst) await team.communicator.patiently(() => onRecord(record));
  }
}

/** Takes one step of the algorithm. */
async function takeStep(tools: Tools, state: PpoState, plan: StepPlan): Promise<PpoStepRecord> {
  const { run, options } = tools;
  const { step } = plan;
  const { drawn, learned, rounds, failedCalls } = await sampleStep({ ...tools, ...run }, step, options);
  const scored = drawn.flatMap(({ rewards }) => rewards);
  checkFailures(`step ${step}`, scored, options.maxFailedShare);
  const groups = learned.map((rollout) => scoresOf(rollout, options.unended));
  const { standardized, queue } =
    options.standardization === 'queue'
      ? standardize(state.queue, groups.flat(), options.queueSize)
      : { standardized: groups.flat(), queue: [] };
  const tokens = responseTokens(learned);
  const responses = await measure(tools, tokens, standardized);
  const kl = { ...options.kl, weight: state.klWeight };
  const size = options.samplesPerPrompt;
  const measuredGroups = learned.map((_, i) => responses.slice(i * size, (i + 1) * size));
  const { advantages } = options;
  const experience =
    advantages === 'none' ? [] : makeExperience(measuredGroups, { ...options, advantages, kl });
  const lesson = tools.policy.lesson({ groups: measuredGroups, experience });
  // Equal rewards do not say what is better: whitening and Adam would make steps of full length of their rounding.
  const isTelling = options.advantages === 'gae' ? vary(groups.flat()) : groups.some(vary);
  const result = await learn(
    tools,
    { lesson, experience },
    { ...plan, updatePolicy: plan.updatePolicy && isTelling },
  );
  const kls =
    options.reference === 'none'
      ? undefined
      : responses.map((response) => sum(klOfTokens(response, options.kl.estimator)));
  const measured = kls && mean(kls);
  state.samples = samplesOf(step, rewardGroups(learned), {
    rewards: learned.flatMap(({ rewards }) => rewards),
    kl: kls,
  });
  const flags = textFlags(scored, drawn);
  noteFlags(run, state.steps, { ...flags, step });
  const { target, horizon } = options.kl;
  const record = {
    step,
    ...recordOf(drawn, failedCalls, tools),
    ...flags,
    kl: measured,
    klWeight: target === undefined ? undefined : state.klWeight,
    importance: options.rolloutPrecision === 'float32' ? undefined : ratiosOf(tokens, responses, options),
    excluded: responses.length - lesson.responses,
    rounds: options.dynamicSampling === undefined ? undefined : rounds,
    ...result,
  };
  state.queue = queue;
  if (target !== undefined && measured !== undefined && plan.updatePolicy) {
    state.klWeight = adaptedKlWeight(
      state.klWeight,
      { kl: measured, responses: responses.length },
      { target, horizon },
    );
  }
  return record;
}

/** Measures the responses of a step with the frozen models, and puts their scores beside them. */
async function measure(
  { run: { signal }, options, meter, value }: Tools,
  tokens: ReturnType<typeof responseTokens>,
  standardized: readonly (number | null)[],
): Promise<MeasuredResponse[]> {
  const references =
    options.reference === 'none'
      ? tokens.map(() => undefined)
      : await meter.reference(tokens, options.kl.estimator === 'full', signal);
  const values = value ? await meter.values(tokens, signal) : tokens.map(() => undefined);
  const own =
    options.rolloutPrecision === 'float32' ? tokens.map(() => undefined) : await meter.policy(tokens, signal);
  return zip(zip(tokens, standardized), zip(own, zip(references, values))).map(
    ([[{ finished, ...response }, score], [own, [reference, values]]]) => ({
      ...response,
      ...(own && {
        logProbabilities: own,
        importance: truncatedRatios(own, response.logProbabilities, options.importanceCap),
      }),
      reference,
      values,
      score: score === null ? null : options.rewardScale * score,
      isMasked: options.unended.mask && finished !== 'stop',
    }),
  );
}

/** Distance of the policy from the distribution that drew its tokens. */
function ratiosOf(
  drawn: readonly Pick<MeasuredResponse, 'logProbabilities'>[],
  measured: readonly Pick<MeasuredResponse, 'logProbabilities'>[],
  { importanceCap }: PpoOptions,
): RatioSummary {
  const logs = zip(measured, drawn).map(([own, other]) =>
    zip(own.logProbabilities, other.logProbabilities).map(([a, b]) => a - b),
  );
  return summarizeRatios(logs, importanceCap);
}

/** Numbers about the responses that were drawn in a step. */
function recordOf(
  drawn: readonly ScoredRollout[],
  failedCalls: number,
  { rewards: list, options: { samplesPerPrompt, unended } }: Tools,
) {
  const scored = drawn.flatMap(({ rewards }) => rewards);
  const rewards = scored.flatMap(({ reward }) => reward ?? []);
  const responses = drawn.flatMap((rollout) => rollout.responses);
  const varied = drawn.map((rollout) => Number(vary(scoresOf(rollout, unended))));
  return {
    score: rewards.length === 0 ? undefined : mean(rewards),
    rewards: meanRewards(list, scored),
    unrewarded: scored.length - rewards.length,
    failed: scored.filter(({ failed }) => failed).length,
    failedCalls,
    varied: samplesPerPrompt === 1 ? undefined : mean(varied),
    tokens: sum(responses.map(({ ids }) => ids.length)),
    length: mean(responses.map(({ ids }) => ids.length)),
    ended: mean(responses.map(({ finished }) => Number(finished === 'stop'))),
  };
}

/** Takes the gradient steps: some epochs of mini-batches, for the value model and, once that is warm, for the policy. */
async function learn(
  { options, value: valueLearner }: Tools,
  { lesson, experience }: { readonly lesson: Lesson; readonly experience: readonly Experience[] },
  { step, updatePolicy, policyLearningRate, valueLearningRate }: StepPlan,
): Promise<
  Pick<
    PpoStepRecord,
    'policyLoss' | 'valueLoss' | 'approxKl' | 'clipped' | 'entropy' | 'accuracy' | 'learningRate' | 'skipped'
  >
> {
  const { epochs, miniBatchSize, seed } = options;
  const policy: LearnerResult[] = [];
  const value: LearnerResult<never>[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const places of miniBatches([...Array(lesson.size).keys()], miniBatchSize, { seed, step, epoch })) {
      if (valueLearner !== undefined) {
        // With a value model each example is a response with a value.
        const batch = places.map((place) => experience[place] as ValueExample);
        value.push(await valueLearner.learn(batch, valueLearningRate));
      }
      if (updatePolicy) policy.push(await lesson.learn(places, policyLearningRate));
    }
  }
  return {
    policyLoss: meanOfApplied(policy, ({ loss }) => loss),
    valueLoss: meanOfApplied(value, ({ loss }) => loss),
    approxKl: meanOfApplied(policy, ({ metrics }) => metrics.approxKl),
    clipped: meanOfApplied(policy, ({ metrics }) => metrics.clipped),
    entropy: meanOfApplied(policy, ({ metrics }) => metrics.entropy),
    accuracy: meanOfApplied(policy, ({ metrics }) => metrics.accuracy),
    learningRate: updatePolicy ? policyLearningRate : undefined,
    skipped: [...policy, ...value].filter(({ applied }) => !applied).length,
  };
}

/** Scores the policy on the validation prompts and keeps it if it is the best one. */
async function score(tools: Tools, state: PpoState): Promise<void> {
  const { run, validator } = tools;
  if (validator === undefined) return;
  const measured = await measurePolicy(tools, validator);
  const best = state.evaluations.every((other) => worthOf(measured) > worthOf(other));
  const evaluation = { step: state.step, ...measured, best };
  const partedBefore = partingStep(state.evaluations) !== undefined;
  state.evaluations.push(evaluation);
  const parting = partingStep(state.evaluations);
  if (parting !== undefined && !partedBefore) {
    run.onNote?.(`step ${state.step}: ${partingText(parting)}`);
  }
  if (best) {
    await tools.collect();
    state.best = { step: state.step, weights: copyWeights(state.policy.weights) };
  }
  const { communicator } = tools.team;
  if (communicator.rank === 0) await communicator.patiently(() => run.onEvaluation?.(evaluation));
}

/** Measures mean rewards and the mean exact KL of the policy on the validation prompts. */
async function measurePolicy(
  { rewards, heldOut, team }: Tools,
  validator: Pick<PolicyMeter, 'sample'>,
): Promise<Omit<PpoEvaluation, 'step' | 'best'>> {
  const { groups, kl } = await validator.sample();
  const list = heldOut === undefined ? rewards : [...rewards, heldOut];
  const scored = (await askTogether(team, list, groups)).groups.flat();
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
    kl: kl && mean(kl),
  };
}

/** Mean of a number over the gradient steps that were applied and have it; undefined without any. */
function meanOfApplied(
  results: readonly LearnerResult[],
  of: (result: LearnerResult) => number | undefined,
): number | undefined {
  const numbers = results.filter(({ applied }) => applied).flatMap((result) => of(result) ?? []);
  return numbers.length === 0 ? undefined : mean(numbers);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
