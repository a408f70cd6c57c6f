import type { Answer } from '@gram/base';
import type { FileRecord } from '../files/records.js';
import { type FormatNameOf, formatsOf } from '../formats/index.js';
import type { LabeledResponse, PromptRecord, RewardedPrompt } from '../records.js';
import type { Reading, ReadOptions } from './options.js';
import { createReading } from './reading.js';

/** The name of a format with prompts, which are all but texts; `promptFormats` lists them. */
export type PromptFormat = FormatNameOf<'prompt' | 'pair' | 'ranking' | 'list' | 'label' | 'demonstration'>;

/** The names of the formats with prompts. */
export const promptFormats: readonly PromptFormat[] = formatsOf([
  'prompt',
  'pair',
  'ranking',
  'list',
  'label',
  'demonstration',
]);

/**
 * Reads prompts, one at a time, from records with or without responses. What `readPreferences` leaves out is left out here as
 * well.
 *
 * @throws {DataError} the errors of `readDemonstrations`
 */
export function readPrompts(path: string, options: ReadOptions<PromptFormat> = {}): Reading<PromptRecord> {
  const prompt = ({ id, prompt: text, tools, family }: PromptRecord) => [
    { id, prompt: text, ...(tools && { tools }), ...(family !== undefined && { family }) },
  ];
  return createReading<PromptRecord>(
    path,
    { prompt, pair: prompt, ranking: prompt, list: prompt, label: prompt, demonstration: prompt },
    options,
  );
}

/**
 * Reads prompts as `readPrompts`, with the answer that a record has and all of its fields, which reward functions may use. Of fields
 * that `columns` map, those of the file are given.
 *
 * @throws {DataError} the errors of `readPrompts`
 */
export function readRewardedPrompts(
  path: string,
  options: ReadOptions<PromptFormat> = {},
): Reading<RewardedPrompt> {
  const rewarded = ({ id, prompt, tools, family }: PromptRecord, from: FileRecord, answer?: Answer) => [
    {
      ...{ id, prompt, fields: from.unmapped ?? from.record },
      ...(tools && { tools }),
      ...(family !== undefined && { family }),
      ...(answer !== undefined && { answer }),
    },
  ];
  return createReading<RewardedPrompt>(
    path,
    {
      prompt: rewarded,
      list: (held, from) => rewarded(held, from),
      pair: (held, from) => rewarded(held, from, held.chosen),
      ranking: (held, from) =>
        rewarded(held, from, held.responses[held.rewards.indexOf(Math.max(...held.rewards))]),
      label: (held, from) => rewarded(held, from, held.isGood ? held.response : undefined),
      demonstration: (held, from) => rewarded(held, from, held.response),
    },
    options,
  );
}

/** The name of a format with single responses that are good or bad, or with judged pairs. */
export type LabelFormat = FormatNameOf<'label' | 'pair'>;

/**
 * Reads single responses that are good or bad, one at a time. Of a judged pair the chosen response is good and the rejected one
 * bad; their ids end in `/1` and `/2`.
 *
 * @throws {DataError} the errors of `readDemonstrations`
 */
export function readLabeledResponses(
  path: string,
  options: ReadOptions<LabelFormat> = {},
): Reading<LabeledResponse> {
  return createReading<LabeledResponse>(
    path,
    {
      label: (labeled) => [labeled],
      pair: ({ id, chosen, rejected, margin: _, ...rest }) => [
        { ...rest, id: `${id}/1`, response: chosen, isGood: true },
        { ...rest, id: `${id}/2`, response: rejected, isGood: false },
      ],
    },
    options,
  );
}
