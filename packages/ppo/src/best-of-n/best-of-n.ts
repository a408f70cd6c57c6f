import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { createResponseSampler } from '@gram/reward';
import { claimOutput, fingerprintsOf } from '@gram/run';
import { PpoError } from '../error.js';
import { rewardList } from '../rewards/reward-list.js';
import { policyIdentity } from '../run/policy-identity.js';
import type { PpoRun } from '../run/run.js';
import { type BestOfNOptions, type Choice, chooseBest } from './choose.js';
import { CHOSEN_FILE, logFiles, openChoiceLog } from './log.js';
import { type BestOfNSummary, summarizeChoices, writeChoiceReport } from './report.js';

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
  /** Is called after each batch with the prompts that are done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Answers every prompt with the best of n responses by a list of rewards, and writes into its output `candidates.jsonl` with all
 * responses and scores, `chosen.jsonl` with the best ones as demonstrations, which `gram sft` learns from, and `report.html`.
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
  const { prompts, output, options, resume = false, signal } = run;
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
    const { batchSize } = options;
    const fingerprint = { ...fingerprintsOf(options), ...policyIdentity(run) };
    const log = await openChoiceLog(output, fingerprint, { batchSize, total: prompts.length });
    while (log.choices.length < prompts.length) {
      signal?.throwIfAborted();
      const done = log.choices.length;
      const chosen = await chooseBest({ sampler, rewards, signal }, prompts.slice(done, done + batchSize), {
        ...options,
        batch: done / batchSize,
      });
      await claim.check();
      await log.append(chosen);
      run.onProgress?.(log.choices.length);
    }
    await writeFileAtomic(join(output, CHOSEN_FILE), log.choices.map(demonstrationOf).join(''));
    await writeChoiceReport(join(output, 'report.html'), log.choices, rewards, options);
    return summarizeChoices(log.choices);
  } finally {
    sampler.dispose();
    await claim.release();
  }
}

/** A prompt with its best response as a line of demonstrations; none where nothing was chosen. */
function demonstrationOf({ id, prompt, tools, chosen, candidates }: Choice): string {
  const response = chosen === null ? undefined : candidates[chosen]?.response;
  if (response === undefined) return '';
  return `${JSON.stringify({ id, prompt, ...(tools && { tools }), response })}\n`;
}
