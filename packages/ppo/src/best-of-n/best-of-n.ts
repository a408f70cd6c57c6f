import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { createResponseSampler, type ResponseSampler } from '@gram/reward';
import {
  claimOutput,
  fingerprintsOf,
  followRun,
  isStopped,
  type OutputClaim,
  type WatchServer,
} from '@gram/run';
import { PpoError } from '../error.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { rewardList } from '../rewards/reward-list.js';
import { policyIdentity } from '../run/policy-identity.js';
import type { PpoRun } from '../run/run.js';
import { type BestOfNOptions, type Choice, chooseBest } from './choose.js';
import { CHOSEN_FILE, logFiles, openChoiceLog } from './log.js';
import { batchMetrics, recordOfBatch } from './records.js';
import { type BestOfNSummary, choicesSection, summarizeChoices, writeChoiceReport } from './report.js';

/** Arguments of `chooseResponses`. */
export interface BestOfNRun
  extends Pick<
    PpoRun,
    'policy' | 'tokenizer' | 'encoder' | 'prompts' | 'reward' | 'stop' | 'identity' | 'device' | 'signal'
  > {
  readonly options: BestOfNOptions;
  /** Directory of the results. */
  readonly output: string;
  /** Goes on where a run in `output` stopped. @default false */
  readonly resume?: boolean;
  /** Serves a page that follows the run. @default none */
  readonly watch?: WatchServer;
  /** Is called with each line that is worth telling. */
  readonly onNote?: (text: string) => void;
  /** Is called after each batch with the prompts that are done, and what a progress line shows of the batch. */
  readonly onProgress?: (done: number, fields: Record<string, string | number>) => void;
}

/**
 * Answers every prompt with the best of n responses by a list of rewards, and writes into its output `candidates.jsonl` with all
 * responses and scores, `chosen.jsonl` with the best ones as demonstrations, which `gram sft` learns from, `metrics.jsonl` and
 * `tensorboard` with a record of each batch, and `report.html`.
 *
 * A run that is stopped at any moment and resumed writes the same bytes.
 *
 * @throws PpoError `output-in-use`, `bad-checkpoint`, `no-data`, `reward-failed`, `bad-reward`; RunError `in-use`, `unwritable`; the
 *   reason of the signal
 *
 * @example
 * ```ts
 * const options = {
 *   ...{ samples: 16, sampling: { temperature: 0.75, topP: 0.95 }, maxNewTokens: 64, batchSize: 8 },
 *   ...{ greedyReference: false, maxFailedShare: 0.5, seed: 1 },
 * };
 * await chooseResponses({ policy, tokenizer, encoder, prompts, reward, options, output: 'runs/best' });
 * ```
 */
export async function chooseResponses(run: BestOfNRun): Promise<BestOfNSummary> {
  const { prompts, output, resume = false } = run;
  const rewards = rewardList(run.reward);
  if (prompts.length === 0) {
    throw new PpoError('no-data', 'there are no prompts to answer', 'give at least one prompt');
  }
  if (!resume && existsSync(logFiles(output).start)) {
    throw new PpoError(
      'output-in-use',
      `${output} is not empty`,
      'set resume to continue the run in it, or choose another output',
    );
  }
  const claim = await claimOutput(output);
  const sampler = createResponseSampler({
    ...{ tokenizer: run.tokenizer, encoder: run.encoder, stop: run.stop, device: run.device },
    ...run.policy,
  });
  try {
    const choices = await answerAll(run, { claim, sampler, rewards });
    await writeFileAtomic(join(output, CHOSEN_FILE), choices.map(demonstrationOf).join(''));
    await writeChoiceReport(join(output, 'report.html'), choices, rewards, run.options);
    return summarizeChoices(choices);
  } finally {
    sampler.dispose();
    await claim.release();
  }
}

/** Answers the prompts that the log does not have yet, batch by batch, and gives the choices of all. */
async function answerAll(
  run: BestOfNRun,
  {
    claim,
    sampler,
    rewards,
  }: {
    readonly claim: OutputClaim;
    readonly sampler: Pick<ResponseSampler, 'sample'>;
    readonly rewards: readonly NamedReward[];
  },
): Promise<readonly Choice[]> {
  const { prompts, output, options, signal, watch, onNote = () => {}, onProgress } = run;
  const { batchSize } = options;
  const fingerprint = { ...fingerprintsOf(options), ...policyIdentity(run) };
  const { choices, append } = await openChoiceLog(output, fingerprint, { batchSize, total: prompts.length });
  const batchAt = (start: number) => choices.slice(start, start + batchSize);
  const doneSteps = Math.ceil(choices.length / batchSize);
  const history = Array.from({ length: doneSteps }, (_, i) => recordOfBatch(i + 1, batchAt(i * batchSize)));
  const source = {
    ...{ output, label: `best of ${options.samples}`, metrics: batchMetrics(rewards), doneSteps, history },
    totalSteps: Math.ceil(prompts.length / batchSize),
    sections: () => (choices.length === 0 ? [] : [choicesSection(choices.slice(-batchSize), rewards)]),
  };
  const followed = await followRun(source, watch, onNote);
  try {
    while (choices.length < prompts.length) {
      signal?.throwIfAborted();
      const done = choices.length;
      const chosen = await chooseBest({ sampler, rewards, signal }, prompts.slice(done, done + batchSize), {
        ...options,
        batch: done / batchSize,
      });
      await claim.check();
      await append(chosen);
      const fields = await followed.step(recordOfBatch(done / batchSize + 1, chosen));
      onProgress?.(choices.length, fields);
    }
    followed.end('finished');
    return choices;
  } catch (cause) {
    followed.end(isStopped(cause, signal) ? 'interrupted' : 'failed');
    throw cause;
  } finally {
    await followed.close();
  }
}

/** A prompt with its best response as a line of demonstrations; none where nothing was chosen. */
function demonstrationOf({ id, prompt, tools, chosen, candidates }: Choice): string {
  const response = chosen === null ? undefined : candidates[chosen]?.response;
  if (response === undefined) return '';
  return `${JSON.stringify({ id, prompt, ...(tools && { tools }), response })}\n`;
}
