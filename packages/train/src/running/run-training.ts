import { basename, join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { describeReason } from '@gram/data';
import { type GramMetadata, parameterCount, saveAdapter, saveModel } from '@gram/model';
import {
  type ConductOptions,
  claimOutput,
  conductRun,
  estimateCost,
  type RunCost,
  type RunOutcome,
  type RunTrainer,
  writeRunReport,
} from '@gram/run';
import { saveCheckpoint, type TrainingState } from '../checkpoint.js';
import { type Communicator, singleProcess } from '../distributed/communicator.js';
import { memorySizes } from '../preparation/memory.js';
import type { DataSummary, PreparedTraining } from '../preparation/prepare.js';
import type { TrainingConfig } from '../settings/schema.js';
import { stageOf } from '../stages/table.js';
import { trainingMetrics } from '../training-record.js';
import { trainingCard } from './card.js';

/** Options of `runTraining`. */
export interface RunTrainingOptions
  extends Pick<ConductOptions, 'resumedFrom' | 'watch' | 'signal' | 'onNote' | 'onProgress'> {
  /** Processes that train together; only the first one writes. @default singleProcess */
  readonly communicator?: Communicator;
  /** Versions that the model card names, by program. @default that of Node.js */
  readonly versions?: Readonly<Record<string, string>>;
}

/**
 * Trains what was prepared and writes everything that a run leaves into its output: checkpoints, `metrics.jsonl`, the
 * files of TensorBoard, `report.html`, the model card `README.md` and the model of the best step.
 *
 * @returns the path of the model; undefined on all processes but the first
 * @throws {RunError} `unwritable`, `interrupted`; the errors of `train`
 * @example
 * ```ts
 * const config = readTrainingConfig('preference.yaml');
 * const prepared = await prepareTraining(config);
 * const model = await runTraining(config, prepared);
 * ```
 */
export async function runTraining(
  config: TrainingConfig,
  prepared: PreparedTraining,
  options: RunTrainingOptions = {},
): Promise<string | undefined> {
  const { communicator = singleProcess, signal } = options;
  // The first process claims the output after all have looked whether it is empty.
  await communicator.barrier();
  if (communicator.rank > 0) {
    const { checkpointEvery } = config;
    const needsState = (step: number) => checkpointEvery !== undefined && step % checkpointEvery === 0;
    await prepared.run({ signal, communicator, needsState });
    return undefined;
  }
  const output = await claimOutput(config.output);
  try {
    const outcome = await conductRun<TrainingState>(trainerOf(prepared, communicator), {
      ...options,
      output,
      label: config.stage,
      checkpointEvery: config.checkpointEvery,
      keepCheckpoints: config.keepCheckpoints,
      patiently: (work) => communicator.patiently(work),
    });
    return await communicator.patiently(() => writeResults(config, prepared, outcome, options));
  } finally {
    await output.release();
  }
}

/** A prepared training as a run drives it. */
function trainerOf(prepared: PreparedTraining, communicator: Communicator): RunTrainer<TrainingState> {
  const { trained, totalSteps, doneSteps, history } = prepared;
  return {
    metrics: trainingMetrics,
    totalSteps,
    doneSteps,
    history,
    run: (hooks) => prepared.run({ ...hooks, communicator }),
    save: (path, state) => saveCheckpoint(path, trained, state),
    restore: (path) => prepared.restore(path),
  };
}

/** Estimates memory and time of a run that was prepared. */
export function estimateTraining(config: TrainingConfig, prepared: PreparedTraining): Promise<RunCost> {
  const { tokens, totalSteps, doneSteps } = prepared;
  return estimateCost({
    ...memorySizes(config, prepared),
    tokens: tokens * config.optimizer.epochs,
    device: config.device,
    doneShare: doneSteps / totalSteps,
  });
}

/** Writes the model, an adapter merged into it and beside it, the report and the model card. Returns the path of the model. */
async function writeResults(
  config: TrainingConfig,
  prepared: PreparedTraining,
  { state, modelStep }: RunOutcome<TrainingState>,
  { communicator, versions = { node: process.version } }: RunTrainingOptions,
): Promise<string> {
  const { output, stage } = config;
  const { trained, trainedParameters, examples, data, gram, heldOut } = prepared;
  const path = join(output, 'model');
  const model = prepared.result();
  await saveModel(path, model);
  if ('adapter' in trained) {
    await saveAdapter(join(output, 'adapter'), trained.adapter, trained.config, trained.options);
  }
  const settings = withSmoothing(config);
  const parameters = parameterCount(model.config);
  await writeRunReport(join(output, 'report.html'), {
    title: `Training: ${stage}`,
    subtitle: describeModel(gram),
    metrics: trainingMetrics,
    history: state.history,
    facts: [...factsOf(prepared, parameters, state, modelStep), ...trafficFacts(communicator)],
    settings,
  });
  const card = trainingCard({
    name: basename(output),
    config: { ...settings, data: { ...settings.data, format: data.format } },
    gram,
    verdicts: prepared.judgePrompt?.labels,
    data: { examples, ...data },
    parameters,
    trainedParameters,
    heldOut: heldOut && { ...heldOut, modelStep },
    history: state.history,
    skipped: state.skipped,
    versions,
  });
  await writeFileAtomic(join(output, 'README.md'), card);
  return path;
}

function factsOf(
  { trainedParameters, examples, data, heldOut }: PreparedTraining,
  parameters: number,
  { step, skipped, history }: TrainingState,
  modelStep: number,
): [string, number][] {
  const measured: [string, number][] =
    heldOut === undefined
      ? []
      : [
          ['step of the model, the best on held-out data', modelStep],
          ['examples held out', heldOut.examples],
          ...dropFacts('held-out records', heldOut.data),
          ['of these with a prompt that was trained on', heldOut.sharedPrompts],
        ];
  return [
    ['parameters', parameters],
    ['parameters trained', trainedParameters],
    ['records read', data.records],
    ...dropFacts('records', data),
    ['examples', examples],
    ['examples cut to fit', data.truncated],
    ['examples with escaped markers', data.neutralized],
    ['records with the id of an earlier one', data.repeatedIds],
    ['steps', step],
    ...measured,
    ['steps skipped, not finite', skipped],
    ['tokens', history.reduce((sum, { tokens }) => sum + tokens, 0)],
  ];
}

/** Numbers of the gradients that came from other GPUs in this run, since it was last begun or resumed. */
function trafficFacts(communicator: Communicator | undefined): [string, number][] {
  const { received, overlapped } = communicator?.gradientTraffic?.() ?? { received: 0, overlapped: 0 };
  if (received === 0) return [];
  return [
    ['bytes of gradients from other GPUs', received],
    ['of these while backward passes ran', Math.round(overlapped)],
  ];
}

/** One number for each reason why records were left out. */
function dropFacts(what: string, { dropped }: DataSummary): [string, number][] {
  return Object.entries(dropped).map(([reason, count]) => [
    `${what} left out: ${describeReason(reason)}`,
    count,
  ]);
}

/** The settings with the label smoothing that the stage chose where they name none. */
function withSmoothing(config: TrainingConfig): TrainingConfig {
  const { labelSmoothing, smoothingConvention } = config;
  const { smoothing } = stageOf(config.stage);
  if (labelSmoothing !== undefined || smoothing === undefined) return config;
  return { ...config, labelSmoothing: smoothingConvention === 'paper' ? smoothing : 2 * smoothing };
}

function describeModel({ kind, judgePrompt }: GramMetadata): string {
  return judgePrompt === undefined ? `${kind} model` : `${kind} reward model, judging prompt ${judgePrompt}`;
}
