import {
  type Demonstration,
  type DemonstrationFormat,
  type PreferenceFormat,
  type PreferencePair,
  type ResponseFormat,
  type ResponsePair,
  readDemonstrations,
  readPreferences,
  readResponsePairs,
} from '@gram/data';
import { TrainError } from '../error.js';
import type { DataFormat, TrainingConfig } from './schema.js';

/** The records of a run: pairs with labels or without, or single answers. */
export type TrainingRecords =
  | ({ readonly stage: 'pair-generation' } & Split<ResponsePair>)
  | ({ readonly stage: 'sft' } & Split<Demonstration>)
  | ({ readonly stage: 'preference' | 'bradley-terry' | 'direct-preference' } & Split<PreferencePair>);

interface Split<Item> {
  /** What is trained on. */
  readonly items: readonly Item[];
  /** What is held out, where the configuration names a file for it. */
  readonly heldOut?: readonly Item[];
  /** Records of the training data that gave none: ties and equal responses. */
  readonly dropped: number;
}

/**
 * Reads the data of a configuration into memory.
 *
 * @throws TrainError `no-data` when a file gives no record; the errors of the readers
 */
export async function readRecords(config: TrainingConfig, signal?: AbortSignal): Promise<TrainingRecords> {
  const { stage, seed } = config;
  // That the format suits the stage was checked with the configuration.
  switch (stage) {
    case 'pair-generation': {
      const read: Reader<ResponsePair> = (path, format, options) =>
        readResponsePairs(path, format as ResponseFormat, { seed, ...options });
      return { stage, ...(await splitOf(config, read, signal)) };
    }
    case 'sft': {
      const read: Reader<Demonstration> = (path, format, options) =>
        readDemonstrations(path, format as DemonstrationFormat, options);
      return { stage, ...(await splitOf(config, read, signal)) };
    }
    default: {
      const read: Reader<PreferencePair> = (path, format, options) =>
        readPreferences(path, format as PreferenceFormat, options);
      const split = await splitOf(config, read, signal);
      if (config.baseline?.margin) {
        checkMargins(split.items, config.data.path);
        checkMargins(split.heldOut ?? [], config.validation?.path ?? '');
      }
      return { stage, ...split };
    }
  }
}

type Reader<Item> = (
  path: string,
  format: DataFormat,
  options: { readonly dropped: () => void },
) => AsyncIterable<Item>;

async function splitOf<Item>(
  { data, validation }: TrainingConfig,
  read: Reader<Item>,
  signal: AbortSignal | undefined,
): Promise<Split<Item>> {
  const take = async ({ path, format, limit }: TrainingConfig['data']) => {
    let dropped = 0;
    const items: Item[] = [];
    for await (const item of read(path, format, { dropped: () => dropped++ })) {
      signal?.throwIfAborted();
      items.push(item);
      if (items.length === limit) break;
    }
    if (items.length > 0) return { items, dropped };
    throw new TrainError('no-data', `${path} gives no record`, 'check the file and its format');
  };
  return { ...(await take(data)), ...(validation && { heldOut: (await take(validation)).items }) };
}

/** How many of the held-out records have a prompt that is trained on. */
export function sharedPrompts({ items, heldOut = [] }: Pick<TrainingRecords, 'items' | 'heldOut'>): number {
  const prompts = new Set<string>();
  for (const { prompt } of items) prompts.add(prompt);
  return heldOut.filter(({ prompt }) => prompts.has(prompt)).length;
}

function checkMargins(pairs: readonly PreferencePair[], path: string): void {
  const bare = pairs.find(({ margin }) => margin === undefined);
  if (bare === undefined) return;
  throw new TrainError(
    'no-data',
    `baseline.margin is set, and pair ${bare.id} of ${path} has no margin`,
    'give each pair a "margin" of 0 or more, such as the difference of two ratings, or train without margins',
  );
}

/** Every text of the records that are trained on, once each. */
export function* textsOf(records: TrainingRecords): Generator<string> {
  if (records.stage === 'pair-generation') {
    for (const { prompt, responses } of records.items) yield* [prompt, ...responses];
  } else if (records.stage === 'sft') {
    for (const { prompt, response } of records.items) yield* [prompt, response];
  } else {
    for (const { prompt, chosen, rejected } of records.items) yield* [prompt, chosen, rejected];
  }
}
