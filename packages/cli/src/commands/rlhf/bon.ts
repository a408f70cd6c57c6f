import { join } from 'node:path';
import { parameterCount } from '@gram/model';
import {
  type BestOfNConfig,
  bestOfNReference,
  chooseResponses,
  formatRlhfConfig,
  loadBestOfNConfig,
  type PreparedBestOfN,
  prepareBestOfN,
} from '@gram/ppo';
import { createProgress, formatNumber } from '@gram/report';
import type { WatchServer } from '@gram/run';
import { defineCommand, type Io } from '../../command.js';
import { CliError } from '../../error.js';
import { openWatch, runFlags, settingHelp } from '../../runs/run-flags.js';
import { describePrompts, describeRewards } from './describe.js';

const { config, set, 'dry-run': dryRun, 'print-config': printConfig, watch } = runFlags;

/** The command that answers prompts with the best of n responses. */
export const bonCommand = defineCommand({
  flags: {
    ...{ config, set, 'dry-run': dryRun, 'print-config': printConfig },
    resume: { help: 'continue where a run in the output stopped' },
    watch,
  },
  settings: settingHelp(bestOfNReference()),
  example: 'gram bon --config bon.yaml --set samples=64 --watch',
  cost: 'for every prompt n responses are written and judged; memory of 4 bytes a parameter of the policy, and the judge',
  async run(values, io) {
    if (values.config === undefined) {
      throw new CliError('usage', 'gram bon needs a configuration', 'give --config FILE');
    }
    const config = await loadBestOfNConfig(values.config, values.set);
    if (values['print-config']) {
      io.stdout.write(formatRlhfConfig(config));
      return;
    }
    const page = await openWatch(values.watch, !values['dry-run']);
    try {
      const prepared = await prepareBestOfN(config, { signal: io.signal });
      try {
        for (const line of describe(config, prepared)) io.stderr.write(`${line}\n`);
        if (values['dry-run']) io.stderr.write('dry run: nothing was written\n');
        else await choose(prepared, { resume: values.resume === true, watch: page }, io);
      } finally {
        prepared.dispose();
      }
    } finally {
      await page?.close();
    }
  },
});

function describe(
  { samples, maxNewTokens, rewards, prompts: { path } }: BestOfNConfig,
  { run, prompts, longestPrompt, trial }: PreparedBestOfN,
): string[] {
  const responses = prompts.prompts.length * samples;
  return [
    `best of ${samples}: responses of at most ${maxNewTokens} tokens to ${formatNumber(prompts.prompts.length)} prompts`,
    `policy: ${formatNumber(parameterCount(run.policy.config))} parameters, prompts of at most ${formatNumber(longestPrompt)} tokens`,
    ...describePrompts('prompts', path, prompts),
    ...describeRewards(rewards, trial),
    `estimate: ${formatNumber(responses)} responses, at most ${formatNumber(responses * maxNewTokens)} tokens`,
  ];
}

/** Chooses with a progress line, and prints the path of the chosen responses. */
async function choose(
  { run }: PreparedBestOfN,
  { resume, watch }: { readonly resume: boolean; readonly watch: WatchServer | undefined },
  { stdout, stderr, signal }: Io,
): Promise<void> {
  const progress = createProgress({
    ...{ label: 'bon', total: run.prompts.length, unit: 'prompts', stream: stderr },
  });
  const { reward, kl, unchosen } = await chooseResponses({
    ...{ ...run, resume, signal },
    ...(watch && { watch }),
    onNote: (text) => progress.note(text),
    onProgress: (done, fields) => progress.update(done, fields),
  });
  progress.finish();
  if (unchosen > 0) stderr.write(`${formatNumber(unchosen)} prompts have no response with a reward\n`);
  if (reward !== undefined) {
    stderr.write(
      `mean reward: ${formatNumber(reward.all)} of all responses, ${formatNumber(reward.chosen)} of the chosen ones, at a KL of at most ${formatNumber(kl)} nats\n`,
    );
  }
  stdout.write(`${join(run.output, 'chosen.jsonl')}\n`);
}
