import { basename } from 'node:path';
import { describeReason } from '@gram/data';
import type { GramMetadata } from '@gram/model';
import { formatNumber } from '@gram/report';
import { type Cell, codeSpan, modelCard, settingRows } from '@gram/run';
import { type StepSettings, withPaths } from '../stages/step-settings.js';
import { type TrainingRecord, trainingMetrics } from '../training-record.js';

/** A file of records, and the steps that they went through. */
interface CardSource {
  readonly path: string;
  readonly steps?: readonly StepSettings[] | undefined;
}

/** Settings of a run that its model card names; others are only listed. */
export interface CardSettings {
  readonly stage: string;
  readonly data: CardSource & { readonly format: string };
  readonly validation?: CardSource | undefined;
  /** The model that the run started from; without one it started from random weights. */
  readonly init: { readonly model?: string | undefined; readonly judgePrompt?: string | undefined };
  /** Present where an adapter was trained. */
  readonly lora?: object | undefined;
  readonly output: string;
}

/** Content of the model card of a training run. */
export interface TrainingCardFacts {
  /** Heading, for example the name of the output directory. */
  readonly name: string;
  readonly config: CardSettings;
  /** `gram.json` of the model. */
  readonly gram: GramMetadata;
  /** The words that the judging prompt is answered with, for a model that answers with one of them. */
  readonly verdicts?: readonly string[] | undefined;
  readonly data: {
    /** SHA-256 of the data file, in hexadecimal. */
    readonly sha256: string;
    /** Number of records that were read: the examples and what was dropped. */
    readonly records: number;
    /** Number of records that the model was trained on. */
    readonly examples: number;
    /** Number of examples that were cut to fit. */
    readonly truncated: number;
    /** Number of examples in which markers of the judging prompt were escaped. */
    readonly neutralized: number;
    /** Numbers of records that were left out, by reason. */
    readonly dropped: Readonly<Record<string, number>>;
    /** Number of records whose id an earlier one has. */
    readonly repeatedIds: number;
  };
  /** Held-out data, and the step whose weights the model has, which was the best on them. */
  readonly heldOut?: {
    readonly examples: number;
    readonly sharedPrompts: number;
    readonly modelStep: number;
  };
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly history: readonly TrainingRecord[];
  /** Steps left out because loss or gradient was not finite. */
  readonly skipped: number;
  /** Version by name of program. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The model card of a training run. Of paths only the last name is told. */
export function trainingCard(facts: TrainingCardFacts): string {
  const { name, config, gram, verdicts, history, versions } = facts;
  return modelCard({
    ...{ name, gram, verdicts, history, versions },
    baseModel: hubName(config.init.model),
    tags: config.lora === undefined ? [] : ['lora'],
    training: trainingRows(facts),
    settings: publicSettings(config),
    metrics: trainingMetrics,
    remarks: remarksOf(facts),
  });
}

/** `owner/name` of a repository of the hub; undefined for a path, which says nothing elsewhere. */
function hubName(model: string | undefined): string | undefined {
  return /^([\w-][\w.-]*\/[\w-][\w.-]*)(@[\w./-]+)?$/.exec(model ?? '')?.[1];
}

/** A model as it may be named: a repository with its revision, or the last name of a path. */
function publicModelName(model: string): string {
  return hubName(model) === undefined ? basename(model) : model;
}

/** The settings as path and value, without the directories of their paths and without the place of the output. */
function publicSettings({ output: _, ...settings }: CardSettings): [string, string][] {
  const { data, init, validation } = settings;
  return settingRows({
    ...settings,
    validation: validation && withPaths(validation, (path) => basename(path)),
    data: withPaths(data, (path) => basename(path)),
    init: {
      ...init,
      model: init.model === undefined ? undefined : publicModelName(init.model),
      judgePrompt: init.judgePrompt === undefined ? undefined : basename(init.judgePrompt),
    },
  });
}

/** What was trained on what. */
function trainingRows({ config, data, parameters, trainedParameters }: TrainingCardFacts): [string, Cell][] {
  const { stage, init } = config;
  const count = (value: number): Cell => ({ text: formatNumber(value) });
  const start: Cell =
    init.model === undefined ? { text: 'random weights' } : { code: publicModelName(init.model) };
  return [
    ['stage', { code: stage }],
    ['started from', start],
    ['parameters', count(parameters)],
    ['parameters trained', count(trainedParameters)],
    ['data file', { code: basename(config.data.path) }],
    ['format of the data', { code: config.data.format }],
    ['SHA-256 of the data file', { code: data.sha256 }],
    ['records read', count(data.records)],
    ...Object.entries(data.dropped).map(([reason, number]): [string, Cell] => [
      `left out: ${describeReason(reason)}`,
      count(number),
    ]),
    ['records trained on', count(data.examples)],
    ['of these cut to fit', count(data.truncated)],
    ['of these with escaped markers', count(data.neutralized)],
    ...(data.repeatedIds === 0
      ? []
      : [['records with the id of an earlier one', count(data.repeatedIds)] satisfies [string, Cell]]),
  ];
}

/** How many steps were done, what their numbers are of, and how the step of the model was chosen. */
function remarksOf({ config, history, skipped, heldOut }: TrainingCardFacts): string[] {
  const steps = `${formatNumber(history.length)} steps, of which ${formatNumber(skipped)} were skipped because a number was not finite.`;
  if (heldOut === undefined) {
    return [
      `${steps} These numbers are those of the training batches, not of held-out data; \`gram eval\` measures that.`,
    ];
  }
  const { examples, sharedPrompts, modelStep } = heldOut;
  const measured = history.find(({ step }) => step === modelStep)?.validation;
  const numbers = measured === undefined ? '' : `loss ${formatNumber(measured.loss)}`;
  const order = measured?.accuracy === undefined ? '' : `, accuracy ${formatNumber(measured.accuracy)}`;
  const file = codeSpan(basename(config.validation?.path ?? ''));
  return [
    `${steps} These numbers are those of the training batches.`,
    `The model is that of step ${formatNumber(modelStep)}. On ${formatNumber(examples)} examples of ${file}, which were not trained on, but by which the step was chosen: ${numbers}${order}. Of these examples ${formatNumber(sharedPrompts)} have a prompt that was trained on.`,
  ];
}
