import { basename } from 'node:path';
import { describeCounts } from '@gram/data';
import { letThreadsSleep } from '@gram/engine';
import { parameterCount } from '@gram/model';
import { createProgress } from '@gram/report';
import { checkpointFor, formatCost, resumePoint, type WatchServer } from '@gram/run';
import {
  type Communicator,
  type DataSummary,
  describeTrainingOnGpus,
  estimateTraining,
  formatTrainingConfig,
  loadTrainingConfig,
  type PreparedTraining,
  prepareTraining,
  presets,
  runTraining,
  settingReference,
  stageOf,
  type TrainingConfig,
  type TrainingStage,
} from '@gram/train';
import { defineCommand, type Io } from '../command.js';
import { CliError } from '../error.js';
import type { Flags } from '../flags.js';
import { createLateProgress } from '../input/late-progress.js';
import { asOneOfSeveral, beforeTheFirstStep, describeProcesses } from '../runs/processes.js';
import { openWatch, runFlags, settingHelp } from '../runs/run-flags.js';
import { ownVersion } from '../version.js';

/** Flags of all commands that train. */
const flags = {
  ...runFlags,
  preset: {
    value: 'NAME',
    choices: Object.keys(presets),
    help: 'values that the configuration overrides',
  },
} as const satisfies Flags;

/** The command that trains a stage; what the commands differ in is said by their stage. */
export function trainingCommand(name: TrainingStage) {
  const stage = stageOf(name);
  return defineCommand({
    flags,
    settings: settingHelp(settingReference()),
    example: stage.example,
    cost: 'for every example and epoch the time of about three forward passes; memory of 16 bytes a trained parameter, 4 of any other, and the activations of one micro-batch',
    async run(values, io) {
      if (values.config === undefined && values.preset === undefined) {
        throw new CliError(
          'usage',
          `gram ${name} needs a configuration`,
          'give --config FILE or --preset NAME',
        );
      }
      const config = await loadTrainingConfig(values.config, values.set, {
        preset: values.preset,
        stage: name,
      });
      if (!stage.runsOthers && config.stage !== name) {
        throw new CliError(
          'usage',
          `gram ${name} runs the stage ${name}, and the configuration says ${config.stage}`,
          `use gram ${config.stage}`,
        );
      }
      if (values['print-config']) {
        io.stdout.write(formatTrainingConfig(config));
        return;
      }
      letThreadsSleep();
      await trainTogether(config, values, io);
    },
  });
}

interface TrainingFlags {
  readonly resume?: string;
  readonly 'dry-run': boolean;
  readonly watch?: string;
}

/** Trains, alone or as one of several processes that a launcher started. */
function trainTogether(config: TrainingConfig, values: TrainingFlags, io: Io): Promise<void> {
  // A dry run writes nothing, not even signs of life.
  const sharedFolder = values['dry-run'] ? undefined : config.output;
  return asOneOfSeveral({ sharedFolder }, io, (communicator) => trainAs(communicator, config, values, io));
}

/** Prepares and trains as one of the processes, of which only the first one writes. */
async function trainAs(
  communicator: Communicator,
  config: TrainingConfig,
  values: TrainingFlags,
  io: Io,
): Promise<void> {
  const dry = values['dry-run'];
  const { stderr } = io;
  const findCheckpoint = dry ? checkpointFor : resumePoint;
  const checkpoint = await findCheckpoint(config.output, values.resume);
  const watch = await openWatch(values.watch, communicator.rank === 0 && !dry);
  try {
    const prepared = await beforeTheFirstStep(communicator, io, () =>
      prepare(communicator, config, checkpoint, io),
    );
    const processes = await describeProcesses(communicator, config.device);
    if (communicator.rank === 0) {
      describe(config, prepared, checkpoint, io);
      for (const line of processes) stderr.write(`${line}\n`);
      stderr.write(`estimate: ${formatCost(await estimateTraining(config, prepared))}\n`);
      if (dry) {
        const counts = communicator.size > 1 ? [communicator.size] : undefined;
        for (const line of describeTrainingOnGpus(config, prepared, counts)) stderr.write(`${line}\n`);
        stderr.write('dry run: nothing was written\n');
      }
    }
    if (!dry) await train(communicator, config, prepared, { checkpoint, watch }, io);
  } finally {
    await watch?.close();
  }
}

/** Names of the units of the work before the first step. */
const UNITS = { download: 'bytes', tokenizer: 'merges', records: 'records', reference: 'pairs' } as const;

/** Loads and encodes, with a progress line for work that takes long enough to be wondered at. */
async function prepare(
  communicator: Communicator,
  config: TrainingConfig,
  checkpoint: string | undefined,
  { stderr, signal }: Io,
): Promise<PreparedTraining> {
  let current: keyof typeof UNITS | undefined;
  let progress: ReturnType<typeof createLateProgress> | undefined;
  const prepared = await prepareTraining(config, {
    ...{ checkpoint, communicator },
    signal,
    onProgress(work, done, total) {
      if (communicator.rank > 0) return;
      if (work !== current) {
        progress?.finish();
        current = work;
        progress = createLateProgress({ label: work, total, unit: UNITS[work], stream: stderr });
      }
      progress?.update(done);
    },
  });
  progress?.finish();
  return prepared;
}

/** Trains with a progress line and prints the path of the model. */
async function train(
  communicator: Communicator,
  config: TrainingConfig,
  prepared: PreparedTraining,
  { checkpoint, watch }: { readonly checkpoint?: string; readonly watch?: WatchServer },
  { stdout, stderr, signal }: Io,
): Promise<void> {
  const { totalSteps, doneSteps } = prepared;
  const progress = createProgress({
    label: config.stage,
    total: totalSteps,
    unit: 'steps',
    stream: stderr,
  });
  if (communicator.rank === 0) progress.update(doneSteps);
  const path = await runTraining(config, prepared, {
    resumedFrom: checkpoint,
    communicator,
    watch,
    signal,
    versions: { gram: ownVersion(), node: process.version },
    onNote: (text) => progress.note(text),
    onProgress: (step, fields) => {
      progress.update(step, fields);
      if (step === totalSteps) progress.finish();
    },
  });
  if (path === undefined) return;
  progress.finish();
  stdout.write(`${path}\n`);
}

function describe(
  { stage, overlong, maxLength, validation }: TrainingConfig,
  prepared: PreparedTraining,
  checkpoint: string | undefined,
  { stderr }: Io,
): void {
  const { config, gram, trainedParameters } = prepared;
  const note = (text: string) => stderr.write(`${text}\n`);
  note(
    `${stage}: ${prepared.examples} examples of at most ${prepared.longest} tokens, ${prepared.totalSteps} steps`,
  );
  const [all, trained] = [parameterCount(config), trainedParameters].map((n) => n.toLocaleString('en-US'));
  note(
    `model: ${gram.kind}, ${all} parameters${trained === all ? '' : `, ${trained} of an adapter are trained`}`,
  );
  const { data } = prepared;
  note(`data: ${formatData(prepared.examples, data)}`);
  for (const text of data.notes) note(`data: ${text}`);
  if (overlong === 'truncate') note(`cut to ${maxLength} tokens: ${data.truncated} examples`);
  if (prepared.heldOut !== undefined) {
    const { examples, sharedPrompts } = prepared.heldOut;
    const file = `data of ${basename(validation?.path ?? '')}`;
    note(`${file}: ${formatData(examples, prepared.heldOut.data)}`);
    for (const text of prepared.heldOut.data.notes) note(`${file}: ${text}`);
    const shared = sharedPrompts === 0 ? '' : `, ${sharedPrompts} of them with a prompt that is trained on`;
    note(`held out: ${examples} examples${shared}`);
  }
  if (prepared.newWeights.length > 0) note(`new, not loaded: ${prepared.newWeights.join(', ')}`);
  if (checkpoint !== undefined) note(`going on after step ${prepared.doneSteps} of ${checkpoint}`);
}

/** Says what the records of a file became; the numbers add up. */
function formatData(kept: number, { records: read, neutralized, ...counts }: DataSummary): string {
  const described = describeCounts({ ...counts, read, kept });
  return neutralized === 0 ? described : `${described}, ${neutralized} with escaped markers`;
}
