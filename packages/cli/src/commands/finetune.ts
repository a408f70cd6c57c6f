import { existsSync, readdirSync } from 'node:fs';
import { parameterCount } from '@gram/model';
import { createProgress } from '@gram/report';
import {
  formatTrainingConfig,
  latestCheckpoint,
  type PreparedTraining,
  prepareTraining,
  readTrainingConfig,
  type StepRecord,
  type TrainingConfig,
  type TrainingState,
} from '@gram/train';
import { defineCommand, type Io } from '../command.js';
import { CliError } from '../error.js';
import { claimOutput, keepCheckpoint, writeResults } from './finetune-output.js';

/** `gram finetune`: trains a model as a configuration file says. */
export const finetuneCommand = defineCommand({
  name: 'finetune',
  summary: 'Trains a reward model, its first stage or a policy, as a configuration file says.',
  flags: {
    config: { value: 'FILE', required: true, help: 'The configuration, in YAML.' },
    set: {
      value: 'KEY=VALUE',
      multiple: true,
      help: 'Lay a value over the configuration, as optimizer.epochs=2.',
    },
    resume: {
      value: 'auto|DIR',
      bare: 'auto',
      help: 'Go on from a checkpoint; auto is the newest of the output.',
    },
    'dry-run': { help: 'Load and encode everything, say what would be done, and write nothing.' },
    'print-config': { help: 'Print the configuration with its defaults, and stop.' },
  },
  example: 'gram finetune --config preference.yaml --set output=runs/two',
  cost: 'for every example and epoch the time of about three forward passes; memory of 16 bytes a parameter and the activations of one micro-batch.',
  async run(values, io) {
    const config = readTrainingConfig(values.config, values.set);
    if (values['print-config']) {
      io.stdout.write(formatTrainingConfig(config));
      return;
    }
    const checkpoint = await findCheckpoint(config.output, values.resume);
    if (checkpoint === undefined && !values['dry-run']) refuseExisting(config.output, values.resume);
    const prepared = await prepareTraining(config, { checkpoint, signal: io.signal });
    describe(config, prepared, checkpoint, io);
    if (values['dry-run']) {
      io.stderr.write('dry run: nothing was written\n');
      return;
    }
    await claimOutput(config.output);
    const state = await trainWithCheckpoints(config, prepared, io);
    const path = await writeResults(config, prepared, state);
    io.stdout.write(`${path}\n`);
  },
});

async function findCheckpoint(output: string, resume: string | undefined): Promise<string | undefined> {
  return resume === 'auto' ? latestCheckpoint(output) : resume;
}

function refuseExisting(output: string, resume: string | undefined): void {
  if (!existsSync(output)) return;
  let names: string[] = [];
  try {
    names = readdirSync(output);
  } catch (cause) {
    throw new CliError('exists', `${output} is no folder`, 'choose another output', { cause });
  }
  if (names.length === 0) return;
  throw resume === undefined
    ? new CliError('exists', `${output} is not empty`, 'go on with --resume, or choose another output')
    : new CliError('no-checkpoint', `${output} holds no checkpoint`, 'start anew with another output');
}

function describe(
  { stage, overlong, maxLength }: TrainingConfig,
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
  if (overlong === 'truncate') note(`cut to ${maxLength} tokens: ${prepared.truncated} examples`);
  if (prepared.newWeights.length > 0) note(`new, not loaded: ${prepared.newWeights.join(', ')}`);
  if (checkpoint !== undefined) note(`going on after step ${prepared.doneSteps} of ${checkpoint}`);
}

/**
 * Trains to the end, with checkpoints on the way. An interruption leaves a checkpoint of the last whole step.
 */
async function trainWithCheckpoints(
  config: TrainingConfig,
  prepared: PreparedTraining,
  { stderr, signal }: Io,
): Promise<TrainingState> {
  const { checkpointEvery, output } = config;
  const progress = createProgress({
    label: config.stage,
    total: prepared.totalSteps,
    unit: 'steps',
    stream: stderr,
  });
  let saved = prepared.doneSteps;
  let last: TrainingState | undefined;
  const save = async (state: TrainingState) => {
    progress.note(`checkpoint ${await keepCheckpoint(config, prepared.trained, state)}`);
    saved = state.step;
  };
  progress.update(prepared.doneSteps);
  try {
    const state = await prepared.run({
      signal,
      async onStep(record, current, total) {
        last = current;
        progress.update(record.step, shown(record));
        const due = checkpointEvery !== undefined && record.step % checkpointEvery === 0;
        if (due && record.step < total) await save(current);
      },
    });
    progress.finish();
    return state;
  } catch (cause) {
    if (!signal.aborted) throw cause;
    if (last !== undefined && last.step > saved) await save(last);
    const hint = saved > 0 ? `go on with --resume from step ${saved}` : 'no step was done; start again';
    throw new CliError('interrupted', `interrupted; ${output} holds whole files only`, hint, { cause });
  }
}

function shown({ loss, accuracy }: StepRecord): Record<string, number> {
  return accuracy === undefined ? { loss } : { loss, accuracy };
}
