import {
  type PreferenceFormat,
  type PreferencePair,
  type ResponsePair,
  readPreferences,
  readResponsePairs,
} from '@gram/data';
import { TrainError } from '../error.js';
import type { TrainingConfig } from './schema.js';

/** The records of a run: with labels, or without. */
export type TrainingRecords =
  | { readonly stage: 'pair-generation'; readonly pairs: readonly ResponsePair[] }
  | { readonly stage: 'preference' | 'bradley-terry'; readonly pairs: readonly PreferencePair[] };

/**
 * Reads the data of a configuration into memory.
 *
 * @throws TrainError `no-data` when the file gives no record; the errors of the readers
 */
export async function readRecords(
  { stage, data: { path, format, limit }, seed }: TrainingConfig,
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
  return stage === 'pair-generation'
    ? { stage, pairs: await take(readResponsePairs(path, format, { seed })) }
    : { stage, pairs: await take(readPreferences(path, format as PreferenceFormat)) };
}

/** Every text of the records, once each. */
export function* textsOf(records: TrainingRecords): Generator<string> {
  if (records.stage === 'pair-generation') {
    for (const { prompt, responses } of records.pairs) yield* [prompt, ...responses];
  } else {
    for (const { prompt, chosen, rejected } of records.pairs) yield* [prompt, chosen, rejected];
  }
}
