import { conversationText, type Prompt } from '@gram/base';
import {
  type Columns,
  type Demonstration,
  demonstrationFormats,
  type Pairing,
  type PreferencePair,
  preferenceFormats,
  type Reading,
  type ResponsePair,
  readDemonstrations,
  readPreferences,
  readResponsePairs,
  responseFormats,
} from '@gram/data';

/** How a configuration has a file read. */
export interface DataOptions {
  readonly format?: string | undefined;
  readonly columns?: Columns | undefined;
  readonly pairing?: Pairing | undefined;
  readonly maxBadRecords?: number | undefined;
  /** Whether the weights of pairs are used. */
  readonly weights?: boolean | undefined;
  readonly degenerate?: 'drop' | 'error' | undefined;
  /** Draws responses where a record has more than two. */
  readonly seed: number;
  /** Whether the margins of pairs are used. */
  readonly margins: boolean;
}

/** A kind of records that stages train on: its formats and how it is read. */
export interface DataKind<Item extends { readonly prompt: Prompt }> {
  /** Formats of files that hold such records. */
  readonly formats: readonly string[];
  /** Fields that a file of another format lacks. */
  readonly missing: string;
  /** Whether the records may have weights. */
  readonly hasWeights: boolean;
  /** Opens a file. */
  read(path: string, options: DataOptions): Reading<Item>;
  /** Texts of a record, on which the tokenizer of a new model is trained. */
  texts(item: Item): readonly string[];
}

/** The name as one of the formats; the schema of the configuration has checked it. */
function known<Format extends string>(
  formats: readonly Format[],
  name: string | undefined,
): Format | undefined {
  const format = formats.find((candidate) => candidate === name);
  if (format === undefined && name !== undefined) {
    throw new RangeError(`the format ${name} is none of ${formats.join(', ')}`);
  }
  return format;
}

/** Pairs of responses without labels. */
export const responsePairs: DataKind<ResponsePair> = {
  formats: responseFormats,
  missing: 'second response',
  hasWeights: false,
  read: (path, options) =>
    readResponsePairs(path, { ...options, format: known(responseFormats, options.format) }),
  texts: ({ prompt, responses }) => [prompt, ...responses].map(conversationText),
};

/** Pairs of a chosen and a rejected response. */
export const preferencePairs: DataKind<PreferencePair> = {
  formats: preferenceFormats,
  missing: 'labels',
  hasWeights: true,
  read: (path, options) =>
    readPreferences(path, { ...options, format: known(preferenceFormats, options.format) }),
  texts: ({ prompt, chosen, rejected }) => [prompt, chosen, rejected].map(conversationText),
};

/** Prompts with the response to imitate. */
export const demonstrations: DataKind<Demonstration> = {
  formats: demonstrationFormats,
  missing: 'chosen response',
  hasWeights: false,
  read: (path, options) =>
    readDemonstrations(path, { ...options, format: known(demonstrationFormats, options.format) }),
  texts: ({ prompt, response }) => [prompt, response].map(conversationText),
};
