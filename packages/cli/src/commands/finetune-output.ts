import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  ADAPTER_FILES,
  checkReplaceable,
  type GramMetadata,
  MODEL_FILES,
  parameterCount,
  saveAdapter,
  saveModel,
  writeFileAtomic,
} from '@gram/model';
import { lineChart, page, type Series, writePage } from '@gram/report';
import {
  checkpointPath,
  type PreparedTraining,
  type StepRecord,
  saveCheckpoint,
  type Trained,
  type TrainingConfig,
  type TrainingState,
} from '@gram/train';
import { CliError } from '../error.js';
import { ownVersion } from '../version.js';
import { modelCard } from '../watch/model-card.js';

/**
 * Makes the output directory, so that a run that could not write its results fails before it starts.
 *
 * @throws CliError `unwritable`; ModelError `not-replaceable`
 */
export async function claimOutput(output: string): Promise<void> {
  try {
    await mkdir(output, { recursive: true });
    await access(output, constants.W_OK);
  } catch (cause) {
    const hint = 'choose an output in a folder that you may write to';
    throw new CliError('unwritable', `can not write to ${output}`, hint, { cause });
  }
  await checkReplaceable(join(output, 'model'), MODEL_FILES);
  await checkReplaceable(join(output, 'adapter'), ADAPTER_FILES);
}

/** Saves a checkpoint and the metrics up to it, and deletes all but the newest checkpoints. Returns its path. */
export async function keepCheckpoint(
  { output, keepCheckpoints }: TrainingConfig,
  trained: Trained,
  state: TrainingState,
): Promise<string> {
  const path = checkpointPath(output, state.step);
  await saveCheckpoint(path, trained, state);
  const names = (await readdir(output)).filter((name) => /^checkpoint-\d{7}$/.test(name)).sort();
  for (const name of names.slice(0, -keepCheckpoints)) await rm(join(output, name), { recursive: true });
  return path;
}

/**
 * Writes the model, an adapter merged into it and beside it, the metrics and the report of a finished run. Returns the path of
 * the model.
 */
export async function writeResults(
  config: TrainingConfig,
  prepared: PreparedTraining,
  state: TrainingState,
  sha256: string,
): Promise<string> {
  const { output } = config;
  const { trained, trainedParameters, result, examples, truncated, dropped, gram } = prepared;
  const path = join(output, 'model');
  const model = result();
  await saveModel(path, model);
  if ('adapter' in trained) {
    await saveAdapter(join(output, 'adapter'), trained.adapter, trained.config, trained.base);
  }
  const facts = [
    ['parameters', parameterCount(model.config)],
    ['parameters trained', trainedParameters],
    ['examples', examples],
    ['examples cut to fit', truncated],
    ['steps', state.step],
    ['steps skipped, not finite', state.skipped],
    ['tokens', state.history.reduce((sum, { tokens }) => sum + tokens, 0)],
  ] satisfies [string, number][];
  const html = page({
    title: `Training: ${config.stage}`,
    subtitle: described(gram),
    sections: [
      { heading: 'Curves', figures: curves(state.history).map((svg) => ({ svg })) },
      { heading: 'Run', tables: [{ columns: [{ name: 'what' }, { name: 'value' }], rows: facts }] },
      {
        heading: 'Configuration',
        tables: [{ columns: [{ name: 'key' }, { name: 'value' }], rows: settings(config) }],
      },
    ],
  });
  await writePage(join(output, 'report.html'), html);
  const card = modelCard({
    name: basename(output),
    config,
    gram,
    data: { sha256, examples, truncated, dropped },
    parameters: parameterCount(model.config),
    trainedParameters,
    history: state.history,
    skipped: state.skipped,
    versions: { gram: ownVersion(), node: process.version },
  });
  await writeFileAtomic(join(output, 'README.md'), card);
  return path;
}

function described({ kind, judgePrompt }: GramMetadata): string {
  return judgePrompt === undefined ? `${kind} model` : `${kind} reward model, judging prompt ${judgePrompt}`;
}

/** The leaves of a configuration: path and value. */
function settings(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] =>
    typeof inner === 'object' ? settings(inner, `${prefix}${key}.`) : [[`${prefix}${key}`, String(inner)]],
  );
}

function curves(history: readonly StepRecord[]): string[] {
  const chart = (title: string, yLabel: string, value: (record: StepRecord) => number, smooth = 0) => {
    const series: Series = { name: title, points: history.map((record) => [record.step, value(record)]) };
    return lineChart({ title, xLabel: 'step', yLabel, series: [series], smooth });
  };
  // Enough to see a trend through the noise of a batch, and nothing for a run too short to have one.
  const smooth = history.length > 50 ? 0.9 : 0;
  return [
    chart('Loss', 'nats', ({ loss }) => loss, smooth),
    ...(history[0]?.accuracy === undefined
      ? []
      : [chart('Accuracy', 'share of pairs', ({ accuracy = Number.NaN }) => accuracy, smooth)]),
    chart('Gradient norm', 'before clipping', ({ gradientNorm }) => gradientNorm, smooth),
    chart('Learning rate', 'per step', ({ learningRate }) => learningRate),
  ];
}
