import { conversationText, type Prompt } from '@gram/base';
import {
  type Demonstration,
  demonstrationFormats,
  type PreferencePair,
  preferenceFormats,
  type ResponsePair,
  readDemonstrations,
  readPreferences,
  readResponsePairs,
  responseFormats,
} from '@gram/data';

/** Options of a reader of records. */
export interface ReadOptions {
  /** Draws responses where a record has more than two. */
  readonly seed: number;
  /** Called for each record that gives no item, with its place in the file and the reason. */
  readonly onDrop: (where: string, reason: string) => void;
}

/** A kind of records that stages train on: its formats and how it is read. */
export interface DataKind<Item extends { readonly prompt: Prompt }> {
  /** Formats of files that hold such records. */
  readonly formats: readonly string[];
  /** Format of a file whose format is not named. */
  readonly usualFormat: string;
  /** Fields that a file of another format lacks. */
  readonly missing: string;
  /** Reads a file in one of the formats. */
  read(path: string, format: string, options: ReadOptions): AsyncIterable<Item>;
  /** Texts of a record, on which the tokenizer of a new model is trained. */
  texts(item: Item): readonly string[];
}

/** The name as one of the formats; the schema of the configuration has checked it. */
function known<Format extends string>(formats: readonly Format[], name: string): Format {
  const format = formats.find((candidate) => candidate === name);
  if (format === undefined) throw new RangeError(`the format ${name} is none of ${formats.join(', ')}`);
  return format;
}

/** Pairs of responses without labels. */
export const responsePairs: DataKind<ResponsePair> = {
  formats: responseFormats,
  usualFormat: 'preference',
  missing: 'second response',
  read: (path, format, options) => readResponsePairs(path, known(responseFormats, format), options),
  texts: ({ prompt, responses }) => [prompt, ...responses].map(conversationText),
};

/** Pairs of a chosen and a rejected response. */
export const preferencePairs: DataKind<PreferencePair> = {
  formats: preferenceFormats,
  usualFormat: 'preference',
  missing: 'labels',
  read: (path, format, { onDrop }) => readPreferences(path, known(preferenceFormats, format), { onDrop }),
  texts: ({ prompt, chosen, rejected }) => [prompt, chosen, rejected].map(conversationText),
};

/** Prompts with the response to imitate. */
export const demonstrations: DataKind<Demonstration> = {
  formats: demonstrationFormats,
  usualFormat: 'demonstration',
  missing: 'chosen response',
  read: (path, format, { onDrop }) =>
    readDemonstrations(path, known(demonstrationFormats, format), { onDrop }),
  texts: ({ prompt, response }) => [prompt, response].map(conversationText),
};
