import { join } from 'node:path';
import { letThreadsSleep } from '@gram/engine';
import { parameterCount } from '@gram/model';
import {
  describeRatios,
  describeRlhfOnGpus,
  failedTogether,
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
import type { Communicator } from '@gram/train';
import { defineCommand, type Io } from '../../command.js';
import { CliError } from '../../error.js';
import { asOneOfSeveral, beforeTheFirstStep, describeProcesses } from '../../runs/processes.js';
import { openWatch, runFlags, settingHelp } from '../../runs/run-flags.js';
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
      letThreadsSleep();
      // A dry run writes nothing, not even signs of life.
      const sharedFolder = values['dry-run'] ? undefined : config.output;
      await asOneOfSeveral({ sharedFolder, isShared: failedTogether }, io, (communicator) =>
        runAs(communicator, method, { config, values }, io),
      );
    },
  });
}

interface RunFlags {
  readonly resume?: string;
  readonly 'dry-run': boolean;
  readonly watch?: string;
}

/** Prepares and trains as one of the processes, of which only the first one writes. */
async function runAs(
  communicator: Communicator,
  method: RlhfMethod,
  { config, values }: { readonly config: RlhfConfig; readonly values: RunFlags },
  io: Io,
): Promise<void> {
  const dry = values['dry-run'];
  const isFirst = communicator.rank === 0;
  const checkpoint = await (dry ? checkpointFor : resumePoint)(config.output, values.resume);
  const watch = await openWatch(values.watch, isFirst && !dry);
  try {
    const prepared = await beforeTheFirstStep(communicator, io, () =>
      prepareRlhf(method, config, { signal: io.signal }),
    );
    try {
      const say = (line: string) => isFirst && io.stderr.write(`${line}\n`);
      for (const line of describeRun(method, config, prepared)) say(line);
      for (const line of await describeProcesses(communicator, config.device)) say(line);
      if (checkpoint !== undefined) say(`going on from ${checkpoint}`);
      if (dry) {
        const counts = communicator.size > 1 ? [communicator.size] : undefined;
        for (const line of describeRlhfOnGpus(prepared, counts)) say(line);
        say('dry run: nothing was written');
      } else await train(communicator, method, { config, prepared, checkpoint, watch }, io);
    } finally {
      prepared.dispose();
    }
  } finally {
    await watch?.close();
  }
}

/** The parts of a run. */
interface RunParts {
  readonly config: RlhfConfig;
  readonly prepared: PreparedRlhf;
  readonly checkpoint: string | undefined;
  readonly watch: WatchServer | undefined;
}

/** Trains with a progress line and prints the path of the model. */
async function train(
  communicator: Communicator,
  method: RlhfMethod,
  { config, prepared: { run, options }, checkpoint, watch }: RunParts,
  { stdout, stderr, signal }: Io,
): Promise<void> {
  const progress = createProgress({ label: method, total: options.steps, unit: 'steps', stream: stderr });
  const { best, stopped, steps } = await ppo({
    ...run,
    output: config.output,
    resume: checkpoint ?? true,
    ...{ signal, communicator },
    ...(watch && { watch }),
    versions: { gram: ownVersion(), node: process.version },
    onNote: (text) => progress.note(text),
    onProgress: (step, fields) => progress.update(step, fields),
  });
  if (communicator.rank > 0) return;
  progress.finish();
  if (stopped !== 'steps') stderr.write(`ended early: ${stopped}\n`);
  const ratios = describeRatios(steps);
  if (ratios !== undefined) stderr.write(`${ratios}\n`);
  stderr.write(
    `the model is that of step ${formatNumber(best.step)}, with ${formatNumber(parameterCount(run.policy.config))} parameters\n`,
  );
  stdout.write(`${join(config.output, 'model')}\n`);
}
