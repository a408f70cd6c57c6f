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
import type { TrainingConfig } from './schema.js';

/** The records of a run: pairs with labels or without, or single answers. */
export type TrainingRecords = {
  /** Records of the file that gave none: ties and equal responses. */
  readonly dropped: number;
} & (
  | { readonly stage: 'pair-generation'; readonly pairs: readonly ResponsePair[] }
  | { readonly stage: 'sft'; readonly demonstrations: readonly Demonstration[] }
  | {
      readonly stage: 'preference' | 'bradley-terry' | 'direct-preference';
      readonly pairs: readonly PreferencePair[];
    }
);

/**
 * Reads the data of a configuration into memory.
 *
 * @throws TrainError `no-data` when the file gives no record; the errors of the readers
 */
export async function readRecords(
  { stage, data: { path, format, limit }, baseline, seed }: TrainingConfig,
  signal?: AbortSignal,
): Promise<TrainingRecords> {
  const take = async <T>(records: AsyncIterable<T>): Promise<T[]> => {
    const taken: T[] = [];
    for await (const record of records) {
      signal?.throwIfAborted();
      taken.push(record);
      if (taken.length === limit) break;
    }
    if (taken.length > 0) return taken;
    throw new TrainError('no-data', `${path} gives no record`, 'check the file and its format');
  };
  // That the format suits the stage was checked with the configuration.
  let left = 0;
  const dropped = () => {
    left++;
  };
  switch (stage) {
    case 'pair-generation': {
      const pairs = await take(readResponsePairs(path, format as ResponseFormat, { seed, dropped }));
      return { stage, pairs, dropped: left };
    }
    case 'sft': {
      const demonstrations = await take(readDemonstrations(path, format as DemonstrationFormat));
      return { stage, demonstrations, dropped: left };
    }
    default: {
      const pairs = await take(readPreferences(path, format as PreferenceFormat, { dropped }));
      if (baseline?.margin) checkMargins(pairs, path);
      return { stage, pairs, dropped: left };
    }
  }
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

/** Every text of the records, once each. */
export function* textsOf(records: TrainingRecords): Generator<string> {
  if (records.stage === 'pair-generation') {
    for (const { prompt, responses } of records.pairs) yield* [prompt, ...responses];
  } else if (records.stage === 'sft') {
    for (const { prompt, response } of records.demonstrations) yield* [prompt, response];
  } else {
    for (const { prompt, chosen, rejected } of records.pairs) yield* [prompt, chosen, rejected];
  }
}
