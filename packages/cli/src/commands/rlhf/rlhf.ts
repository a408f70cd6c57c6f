import { join } from 'node:path';
import { parameterCount } from '@gram/model';
import {
  formatRlhfConfig,
  loadRlhfConfig,
  type PreparedRlhf,
  ppo,
  prepareRlhf,
  type RlhfConfig,
  type RlhfMethod,
  rlhfReference,
} from '@gram/ppo';
import { createProgress, formatNumber } from '@gram/report';
import { checkpointFor, resumePoint, type WatchServer } from '@gram/run';
import { defineCommand, type Io } from '../../command.js';
import { CliError } from '../../error.js';
import { openWatch, reportedError, runFlags, settingHelp } from '../../runs/run-flags.js';
import { ownVersion } from '../../version.js';
import { describeRun } from './describe.js';

/** The command that trains a policy for rewards by a method. */
export function rlhfCommand(method: RlhfMethod) {
  return defineCommand({
    flags: runFlags,
    settings: settingHelp(rlhfReference()),
    example: `gram ${method} --config ${method}.yaml --watch`,
    cost: 'for every step the responses are written, judged and learned from: about as long as writing them three times, and the judge; memory of 20 bytes a parameter of the policy, as much again for the value model of ppo, and the judge',
    async run(values, io) {
      if (values.config === undefined) {
        throw new CliError('usage', `gram ${method} needs a configuration`, 'give --config FILE');
      }
      const config = await loadRlhfConfig(values.config, values.set);
      if (values['print-config']) {
        io.stdout.write(formatRlhfConfig(config));
        return;
      }
      const dry = values['dry-run'];
      const checkpoint = await (dry ? checkpointFor : resumePoint)(config.output, values.resume);
      const watch = await openWatch(values.watch, !dry);
      try {
        const prepared = await prepareRlhf(method, config, { signal: io.signal });
        try {
          for (const line of describeRun(method, config, prepared)) io.stderr.write(`${line}\n`);
          if (checkpoint !== undefined) io.stderr.write(`going on from ${checkpoint}\n`);
          if (dry) io.stderr.write('dry run: nothing was written\n');
          else await train(method, config, prepared, { checkpoint, watch }, io);
        } finally {
          prepared.dispose();
        }
      } catch (cause) {
        throw reportedError(cause);
      } finally {
        await watch?.close();
      }
    },
  });
}

/** Trains with a progress line and prints the path of the model. */
async function train(
  method: RlhfMethod,
  config: RlhfConfig,
  { run, options }: PreparedRlhf,
  { checkpoint, watch }: { readonly checkpoint: string | undefined; readonly watch: WatchServer | undefined },
  { stdout, stderr, signal }: Io,
): Promise<void> {
  const progress = createProgress({ label: method, total: options.steps, unit: 'steps', stream: stderr });
  const { best, stopped } = await ppo({
    ...run,
    output: config.output,
    resume: checkpoint ?? true,
    signal,
    ...(watch && { watch }),
    versions: { gram: ownVersion(), node: process.version },
    onNote: (text) => progress.note(text),
    onProgress: (step, fields) => progress.update(step, fields),
  });
  progress.finish();
  if (stopped !== 'steps') stderr.write(`ended early: ${stopped}\n`);
  stderr.write(
    `the model is that of step ${formatNumber(best.step)}, with ${formatNumber(parameterCount(run.policy.config))} parameters\n`,
  );
  stdout.write(`${join(config.output, 'model')}\n`);
}
