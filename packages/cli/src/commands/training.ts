import { dirname } from 'node:path';
import { sha256OfFile } from '@gram/base';
import { parameterCount } from '@gram/model';
import { createProgress } from '@gram/report';
import { checkpointFor, claimOutput, resumePoint } from '@gram/run';
import {
  type Communicator,
  connect,
  formatTrainingConfig,
  loadTrainingConfig,
  type PreparedTraining,
  prepareTraining,
  presets,
  stageOf,
  type TrainingConfig,
  type TrainingStage,
  type TrainingState,
} from '@gram/train';
import { defineCommand, type Io } from '../command.js';
import { CliError } from '../error.js';
import { followRun } from '../watch/follow-run.js';
import { keepCheckpoint, restoreBest, writeResults } from './finetune-output.js';
import { describeCost } from './training-cost.js';

/** The command that trains a stage; what the commands differ in is said by their stage. */
export function trainingCommand(name: TrainingStage) {
  const stage = stageOf(name);
  return defineCommand({
    flags: {
      config: { value: 'FILE', help: 'The configuration, in YAML, TypeScript or JavaScript.' },
      preset: {
        value: 'NAME',
        choices: Object.keys(presets),
        help: 'Values that the configuration is laid over.',
      },
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
      watch: {
        value: 'PORT',
        bare: '0',
        help: 'Serve a page that follows the run, on this machine only; any free port by default.',
      },
    },
    example: stage.example,
    cost: 'for every example and epoch the time of about three forward passes; memory of 16 bytes a trained parameter, 4 of any other, and the activations of one micro-batch.',
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
      const communicator = await connect();
      try {
        await runTraining(config, values, communicator, io);
      } catch (cause) {
        // The others wait for this rank, unless all were stopped together: then they leave together.
        if (communicator.size > 1 && !wasStopped(cause, io.signal)) {
          await communicator.abort(cause instanceof Error ? cause.message : String(cause));
        }
        await communicator.close();
        if (cause instanceof CliError || communicator.rank === 0) throw cause;
        throw new CliError('interrupted', 'interrupted with the other processes', 'go on with --resume', {
          cause,
        });
      }
      await communicator.close();
    },
  });
}

/** Prepares and trains, alone or as one of several processes, of which the first alone writes. */
async function runTraining(
  config: TrainingConfig,
  values: { readonly resume?: string; readonly 'dry-run': boolean; readonly watch?: string },
  communicator: Communicator,
  io: Io,
): Promise<void> {
  const checkpoint = values['dry-run']
    ? await checkpointFor(config.output, values.resume)
    : await resumePoint(config.output, values.resume);
  const prepared = await prepareTraining(config, { checkpoint, signal: io.signal });
  if (communicator.rank > 0) {
    if (values['dry-run']) return;
    await communicator.barrier();
    await prepared.run({ signal: io.signal, communicator, needsState: stateNeeded(config) });
    return;
  }
  describe(config, prepared, checkpoint, io);
  if (communicator.size > 1) io.stderr.write(`processes: ${communicator.size}\n`);
  await describeCost(config, prepared, io);
  if (values['dry-run']) {
    io.stderr.write('dry run: nothing was written\n');
    return;
  }
  // After all have looked whether it is empty.
  await communicator.barrier();
  await claimOutput(config.output);
  const sha256 = await sha256OfFile(config.data.path, io.signal);
  const state = await trainWithCheckpoints(config, prepared, values.watch, communicator, io);
  const path = await communicator.patiently(async () => {
    const folders = [config.output, ...(checkpoint === undefined ? [] : [dirname(checkpoint)])];
    const step = await restoreBest(folders, prepared, state, (text) => io.stderr.write(`${text}\n`));
    return writeResults(config, prepared, state, step, sha256);
  });
  io.stdout.write(`${path}\n`);
}

/** Whether a run was stopped, by the signal of this process or of another one. */
function wasStopped(cause: unknown, signal: AbortSignal): boolean {
  if (cause instanceof CliError) return cause.code === 'interrupted';
  return signal.aborted || (cause instanceof DOMException && cause.name === 'AbortError');
}

/** The steps after which a checkpoint is written. */
function stateNeeded({ checkpointEvery }: TrainingConfig): (step: number) => boolean {
  return (step) => checkpointEvery !== undefined && step % checkpointEvery === 0;
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
  if (prepared.heldOut !== undefined) {
    const { examples, sharedPrompts } = prepared.heldOut;
    const shared = sharedPrompts === 0 ? '' : `, ${sharedPrompts} of them with a prompt that is trained on`;
    note(`held out: ${examples} examples${shared}`);
  }
  if (prepared.newWeights.length > 0) note(`new, not loaded: ${prepared.newWeights.join(', ')}`);
  if (checkpoint !== undefined) note(`going on after step ${prepared.doneSteps} of ${checkpoint}`);
}

/**
 * Trains to the end, with checkpoints on the way. An interruption leaves a checkpoint of the last whole step.
 */
async function trainWithCheckpoints(
  config: TrainingConfig,
  prepared: PreparedTraining,
  watch: string | undefined,
  communicator: Communicator,
  { stderr, signal }: Io,
): Promise<TrainingState> {
  const { checkpointEvery, output } = config;
  const progress = createProgress({
    label: config.stage,
    total: prepared.totalSteps,
    unit: 'steps',
    stream: stderr,
  });
  const followed = await followRun(config, prepared, watch, (text) => progress.note(text));
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
      communicator,
      needsState: stateNeeded(config),
      async onStep(record, current, total) {
        last = current;
        progress.update(record.step, await followed.step(record));
        const due = checkpointEvery !== undefined && record.step % checkpointEvery === 0;
        if (due && record.step < total) await save(current);
      },
    });
    progress.finish();
    followed.end('finished');
    return state;
  } catch (cause) {
    const stopped = wasStopped(cause, signal);
    followed.end(stopped ? 'interrupted' : 'failed');
    if (!stopped) throw cause;
    const unsaved = last;
    if (unsaved !== undefined && unsaved.step > saved) await communicator.patiently(() => save(unsaved));
    const hint = saved > 0 ? `go on with --resume from step ${saved}` : 'no step was done; start again';
    throw new CliError('interrupted', `interrupted; ${output} holds whole files only`, hint, { cause });
  } finally {
    await followed.close();
  }
}
