import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '@gram/base';
import { type GramMetadata, parameterCount, saveAdapter, saveModel } from '@gram/model';
import { lineChart, page, type Series, writePage } from '@gram/report';
import { checkpointPath, pruneSnapshots } from '@gram/run';
import {
  bestStep,
  type PreparedTraining,
  type StepRecord,
  saveCheckpoint,
  type Trained,
  type TrainingConfig,
  type TrainingState,
} from '@gram/train';
import { ownVersion } from '../version.js';
import { modelCard } from '../watch/model-card.js';

/** Saves a checkpoint and deletes all but the newest ones and the best one, where examples are held out. Returns its path. */
export async function keepCheckpoint(
  { output, keepCheckpoints }: TrainingConfig,
  trained: Trained,
  state: TrainingState,
): Promise<string> {
  const path = checkpointPath(output, state.step);
  await saveCheckpoint(path, trained, state);
  const best = bestStep(state.history);
  const steps = best === undefined ? [] : [best];
  await pruneSnapshots(output, 'checkpoint', { newest: keepCheckpoints, steps });
  return path;
}

/**
 * Goes back to the weights of the best checkpoint, where examples are held out and an earlier step was better on them than the
 * last one. Returns the step whose weights those are.
 *
 * @param folders where the checkpoints of the run are: the output, and where an earlier part of the run wrote
 */
export async function restoreBest(
  folders: readonly string[],
  prepared: PreparedTraining,
  { step, history }: TrainingState,
  note: (text: string) => void,
): Promise<number> {
  const best = bestStep(history) ?? step;
  if (best === step) return step;
  const path = folders.map((folder) => checkpointPath(folder, best)).find((place) => existsSync(place));
  if (path === undefined) {
    note(
      `step ${best} was the best on held-out data, but its checkpoint is gone: the model is that of the last step`,
    );
    return step;
  }
  await prepared.restore(path);
  note(`the model is that of step ${best}, the best on held-out data`);
  return best;
}

/**
 * Writes the model, an adapter merged into it and beside it, the metrics and the report of a finished run. Returns the path of
 * the model.
 */
export async function writeResults(
  config: TrainingConfig,
  prepared: PreparedTraining,
  state: TrainingState,
  /** The step whose weights the model has. */
  modelStep: number,
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
    ...(prepared.heldOut === undefined
      ? []
      : ([
          ['step of the model, the best on held-out data', modelStep],
          ['examples held out', prepared.heldOut.examples],
          ['of these with a prompt that was trained on', prepared.heldOut.sharedPrompts],
        ] satisfies [string, number][])),
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
    heldOut: prepared.heldOut && { ...prepared.heldOut, modelStep },
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
  // Enough to see a trend through the noise of a batch, and nothing for a run too short to have one.
  const smooth = history.length > 50 ? 0.9 : 0;
  const chart = (
    title: string,
    yLabel: string,
    value: (record: StepRecord) => number,
    heldOut: (record: StepRecord) => number | undefined = () => undefined,
  ) => {
    const line: Series = { name: 'training', points: history.map((record) => [record.step, value(record)]) };
    const marks = history.flatMap((record): [number, number][] => {
      const number = heldOut(record);
      return number === undefined ? [] : [[record.step, number]];
    });
    const series =
      marks.length === 0
        ? [{ ...line, name: title }]
        : [line, { name: 'held-out data', points: marks, marks: true }];
    return lineChart({ title, xLabel: 'step', yLabel, series, smooth });
  };
  return [
    chart(
      'Loss',
      'nats',
      ({ loss }) => loss,
      ({ validation }) => validation?.loss,
    ),
    ...(history[0]?.accuracy === undefined
      ? []
      : [
          chart(
            'Accuracy',
            'share of pairs',
            ({ accuracy = Number.NaN }) => accuracy,
            ({ validation }) => validation?.accuracy,
          ),
        ]),
    chart('Gradient norm', 'before clipping', ({ gradientNorm }) => gradientNorm),
    lineChart({
      title: 'Learning rate',
      xLabel: 'step',
      yLabel: 'per step',
      series: [
        { name: 'learning rate', points: history.map(({ step, learningRate }) => [step, learningRate]) },
      ],
    }),
  ];
}
