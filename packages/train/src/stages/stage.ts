import type { GramMetadata, ModelConfig } from '@gram/model';
import { z } from 'zod';
import type { RecordEncoder } from '../encoding/encode-all.js';
import type { EncodingTools } from '../encoding/encoder-settings.js';
import type { PolicyPair } from '../examples/kinds.js';
import type { ExampleSource } from '../examples/source.js';
import type { Objective } from '../objectives/objective.js';
import type { ReferencedPair } from '../objectives/policy-pairs.js';
import { paperSmoothing, type SmoothingConvention } from '../objectives/smoothing.js';
import type { DataKind } from './data-kinds.js';
import { type EncodedFile, encodeFile } from './encode-files.js';
import {
  type CheckedFile,
  checkFile,
  type DataSource,
  PromptCount,
  type StageRecord,
  textsOf,
} from './read-data.js';

/** Settings of a run that stages read beside their own. */
export interface SharedSettings {
  readonly data: DataSource;
  readonly validation?: DataSource | undefined;
  readonly seed: number;
  /** Treatment of records that teach nothing. */
  readonly degenerate: 'drop' | 'error';
  readonly optimizer: { readonly epochs: number };
  readonly labelSmoothing?: number | undefined;
  readonly smoothingConvention: SmoothingConvention;
  /** Whether an adapter is trained. */
  readonly lora?: object | undefined;
}

/** Reports that a setting cannot have its value. */
export type Refuse = (path: readonly string[], message: string) => void;

/** Adds what a reference model says of each pair: the model before it was trained. */
export type Compare = (pairs: ExampleSource<PolicyPair>) => Promise<ExampleSource<ReferencedPair>>;

/** Encoders and prompts that a stage encodes records with. */
export interface EncodingContext extends EncodingTools {
  readonly compare: Compare;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of records of all files that were encoded so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Adds to stored examples what is measured and not encoded. */
type Complete<Stored, Example> = (stored: ExampleSource<Stored>) => Promise<ExampleSource<Example>>;

/** Hands an objective and the encoder of its examples to a function, whatever the type of the examples is. */
export type Plan<Item> = <Result>(
  use: <Stored, Example>(
    encoder: RecordEncoder<Item, Stored>,
    objective: Objective<Example>,
    complete: Complete<Stored, Example>,
  ) => Result,
) => Result;

/** The plan of one objective. */
export function planOf<Item, Example>(
  encoder: RecordEncoder<Item, Example>,
  objective: Objective<Example>,
): Plan<Item> {
  return (use) => use(encoder, objective, (stored) => Promise.resolve(stored));
}

/** The plan of an objective whose examples are more than what is encoded. */
export function completedPlanOf<Item, Stored, Example>(
  encoder: RecordEncoder<Item, Stored>,
  complete: Complete<Stored, Example>,
  objective: Objective<Example>,
): Plan<Item> {
  return (use) => use(encoder, objective, complete);
}

/** Names of the presets that give values for each stage. */
export type PresetName = 'paper' | 'qwen3-1.7b' | 'smollm2-135m' | 'laptop';

/** A part of a configuration as it would be written in a file. */
export type Written = Readonly<Record<string, unknown>>;

/** Everything that is peculiar to a stage. */
interface StageDefinition<Shape extends z.ZodRawShape, Item extends StageRecord> {
  readonly name: string;
  /** One sentence for the help of its command. */
  readonly summary: string;
  /** A command line to type. */
  readonly example: string;
  /** Whether its command also runs a configuration of another stage. @default false */
  readonly runsOthers?: boolean;
  /** Kind of the trained model. */
  readonly kind: Extract<GramMetadata['kind'], 'generative' | 'discriminative' | 'policy'>;
  readonly data: DataKind<Item>;
  /** Settings that no other stage has. */
  readonly settings: Shape;
  /** Label smoothing in the paper's convention where a configuration gives none; undefined for a stage without labels. */
  readonly smoothing?: number;
  /** Values of the stage in each preset. */
  readonly presets: Readonly<Record<PresetName, Written>>;
  /** The model with the heads that the stage needs. */
  head(config: ModelConfig, settings: z.output<z.ZodObject<Shape>>): ModelConfig;
  /** Whether only the score head is trained. @default false */
  trainsHeadOnly?(settings: z.output<z.ZodObject<Shape>>): boolean;
  /** Whether the margins of pairs are used; where they are not, they are not read. @default false */
  usesMargins?(settings: z.output<z.ZodObject<Shape>>): boolean;
  /** Reports settings that do not fit together. */
  check?(settings: z.output<z.ZodObject<Shape>> & SharedSettings, refuse: Refuse): void;
  /**
   * Checks a record of a file.
   *
   * @throws {TrainError} `no-data`
   */
  checkItem?(item: Item, path: string, settings: z.output<z.ZodObject<Shape>>): void;
  /** Chooses the objective and how records become its examples. */
  plan(
    settings: z.output<z.ZodObject<Shape>> & SharedSettings & { readonly paperSmoothing: number },
    context: EncodingContext,
  ): Promise<Plan<Item>>;
}

/** Examples that are trained on and, where there are any, those that are held out. */
export interface EncodedSplit<Example> extends EncodedFile<Example> {
  readonly heldOut?: EncodedFile<Example>;
}

/** Records of a run, all of which were read once and none of which is in memory. */
export interface StageData {
  /** Held-out records with a prompt that is trained on. */
  readonly sharedPrompts: number;
  /** Texts of the records that are trained on. */
  texts(): AsyncIterable<string>;
  /** Encodes the records and hands them to a function with the objective of the stage. */
  encode<Result>(
    context: EncodingContext,
    use: <Example>(split: EncodedSplit<Example>, objective: Objective<Example>) => Result,
  ): Promise<Result>;
}

/** A configuration as a stage sees it: shared settings and, among others, its own. */
export type StageConfig = SharedSettings & { readonly [key: string]: unknown };

/** Options of reading the data of a configuration. */
export interface ReadDataOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of a file that were fetched so far, and those of all of them. */
  readonly onDownload?: ((done: number, total: number) => void) | undefined;
}

/** A stage of the table; what is peculiar to it stays behind these functions. */
export interface Stage<Shape extends z.ZodRawShape = z.ZodRawShape>
  extends Pick<
    StageDefinition<Shape, never>,
    'name' | 'summary' | 'example' | 'kind' | 'settings' | 'smoothing' | 'presets'
  > {
  readonly runsOthers: boolean;
  readonly data: Pick<DataKind<never>, 'formats' | 'missing' | 'hasWeights'>;
  /** The model with the heads that the stage needs. */
  head(model: ModelConfig, config: StageConfig): ModelConfig;
  /** Whether only the score head is trained. */
  trainsHeadOnly(config: StageConfig): boolean;
  /** Reports settings that do not fit together. */
  check(config: StageConfig, refuse: Refuse): void;
  /**
   * Reads the data of a configuration once.
   *
   * @throws {TrainError} `no-data` when a file gives no record; the errors of the readers
   */
  read(config: StageConfig, options?: ReadDataOptions): Promise<StageData>;
}

/** Makes a stage of its definition. */
export function defineStage<const Shape extends z.ZodRawShape, Item extends StageRecord>(
  definition: StageDefinition<Shape, Item>,
): Stage<Shape> {
  const { data, smoothing = 0 } = definition;
  const schema = z.object(definition.settings);
  const own = (config: StageConfig) => schema.parse(config);
  return {
    ...definition,
    runsOthers: definition.runsOthers ?? false,
    head: (model, config) => definition.head(model, own(config)),
    trainsHeadOnly: (config) => definition.trainsHeadOnly?.(own(config)) ?? false,
    check: (config, refuse) => definition.check?.({ ...config, ...own(config) }, refuse),
    async read(config, { signal, onDownload } = {}) {
      const settings = { ...config, ...own(config), paperSmoothing: smoothingOf(config, smoothing) };
      const check = (source: DataSource, onItem: (item: Item) => void) => {
        const { seed, degenerate } = config;
        const margins = definition.usesMargins?.(settings) ?? false;
        return checkFile(data, source, {
          ...{ seed, margins, degenerate, signal, onDownload },
          onItem(item) {
            definition.checkItem?.(item, source.path, settings);
            onItem(item);
          },
        });
      };
      const prompts = new PromptCount();
      const trained = await check(config.data, (item) => config.validation && prompts.see(item));
      const heldOut = config.validation && (await check(config.validation, (item) => prompts.count(item)));
      return {
        sharedPrompts: prompts.shared,
        texts: () => textsOf(data, trained.items()),
        async encode(context, use) {
          const plan = await definition.plan(settings, context);
          return plan(async (encoder, objective, complete) => {
            const files = { trained, heldOut };
            const options = { ...context, stage: definition.name, degenerate: config.degenerate };
            return use(await encodeSplit(encoder, files, complete, options), objective);
          });
        },
      };
    },
  };
}

/** Label smoothing of a configuration in the paper's convention. */
export function smoothingOf(
  { labelSmoothing, smoothingConvention }: Pick<SharedSettings, 'labelSmoothing' | 'smoothingConvention'>,
  usual: number,
): number {
  return labelSmoothing === undefined ? usual : paperSmoothing(labelSmoothing, smoothingConvention);
}

async function encodeSplit<Item extends StageRecord, Stored, Example>(
  encoder: RecordEncoder<Item, Stored>,
  {
    trained,
    heldOut,
  }: { readonly trained: CheckedFile<Item>; readonly heldOut: CheckedFile<Item> | undefined },
  complete: Complete<Stored, Example>,
  {
    onProgress,
    ...options
  }: EncodingContext & { readonly stage: string; readonly degenerate: 'drop' | 'error' },
): Promise<EncodedSplit<Example>> {
  const total = trained.count + (heldOut?.count ?? 0);
  const encode = async (file: CheckedFile<Item>, before: number): Promise<EncodedFile<Example>> => {
    const encoded = await encodeFile(encoder, file, {
      ...options,
      onProgress: (done) => onProgress?.(before + done, total),
    });
    return { ...encoded, examples: await complete(encoded.examples) };
  };
  const split = await encode(trained, 0);
  return heldOut === undefined ? split : { ...split, heldOut: await encode(heldOut, trained.count) };
}
