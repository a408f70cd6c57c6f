import { type Answer, answerTurns, type Prompt, promptTurns, quote, type Turn, turnText } from '@gram/base';
import { TrainError } from '../error.js';
import type { ExampleCodec } from '../examples/codec.js';

/** The reason why a record that can be read teaches nothing. */
export type DegenerateReason = 'empty-prompt' | 'empty-response' | 'equal-once-encoded';

/** Options of the functions that encode records. */
export interface EncodeOptions {
  /**
   * Treatment of a record with an empty prompt or response, and of a pair that is the same once it was cut and encoded: it is
   * left out and counted, or refused by name. @default 'drop'
   */
  readonly degenerate?: 'drop' | 'error' | undefined;
  /** Called now and then with the number of records that were read so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops the work. */
  readonly signal?: AbortSignal | undefined;
}

/** Counts of records that were encoded. */
export interface EncodingCounts {
  /** Number of examples that were cut to fit. */
  readonly truncated: number;
  /** Number of examples in which markers of the judging prompt were escaped. */
  readonly neutralized: number;
  /** Numbers of records that were left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Encoded records, and what became of the others. */
export interface Examples<Example> extends EncodingCounts {
  readonly examples: readonly Example[];
}

/** A record as an example, or the reason why it is none. */
export type EncodedRecord<Example> =
  | {
      /** Returns the example, given its place among those that are kept. */
      readonly exampleAt: (place: number) => Example | Promise<Example>;
      readonly truncated: boolean;
      readonly neutralized: boolean;
    }
  | DegenerateReason;

/** Makes examples of records. */
export interface RecordEncoder<Item, Example> {
  /** Names the way and its constants, beside tokenizer, prompt and layout: stored examples of another way are not used. */
  readonly name: string;
  readonly codec: ExampleCodec<Example>;
  /**
   * Encodes a record.
   *
   * @param place the place that the example has if no record is left out among those that are encoded at the same time
   */
  encode(record: Item, place: number): Promise<EncodedRecord<Example>>;
}

/** Records that are encoded at once: enough for every thread of Node's pool, and few enough to stop soon and to know places. */
const CONCURRENT = 16;
/** Records between two reports of progress. */
const REPORTED = 64;

const PROBLEMS: Readonly<Record<DegenerateReason, string>> = {
  'empty-prompt': 'has an empty prompt',
  'empty-response': 'has an empty response',
  'equal-once-encoded': 'has two responses that are the same once they are cut and encoded',
};

/** Options of `encodeStream`. */
export interface StreamOptions extends Omit<EncodeOptions, 'onProgress'> {
  /** Called now and then with the number of records that were encoded so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Examples in the order of their records, as they are encoded, with the counts so far. */
export interface ExampleStream<Example> extends AsyncIterable<Example> {
  readonly counts: EncodingCounts;
}

/**
 * Encodes records as they come and gives their examples in the same order. The tokenizer works on the threads of Node's pool, so
 * while some records wait for it, the next ones are read; no others are in memory.
 *
 * The iteration throws TrainError `no-data` for a record that teaches nothing, where the options refuse it; the error of the
 * first record that cannot be encoded; the reason of `signal`.
 */
export function encodeStream<Item extends { readonly id: string }, Example>(
  records: Iterable<Item> | AsyncIterable<Item>,
  encoder: RecordEncoder<Item, Example>,
  { degenerate = 'drop', onProgress, signal }: StreamOptions = {},
): ExampleStream<Example> {
  const dropped: Record<string, number> = {};
  const counts = { truncated: 0, neutralized: 0, dropped };
  let [done, kept] = [0, 0];
  const finish = async ({ id, result }: Waiting<Example>): Promise<Example[]> => {
    const encoded = await result;
    done++;
    if (done % REPORTED === 0) onProgress?.(done);
    if (typeof encoded === 'string') {
      if (degenerate === 'error') throw refusal(encoded, id);
      dropped[encoded] = (dropped[encoded] ?? 0) + 1;
      return [];
    }
    counts.truncated += encoded.truncated ? 1 : 0;
    counts.neutralized += encoded.neutralized ? 1 : 0;
    return [await encoded.exampleAt(kept++)];
  };
  async function* iterate(): AsyncGenerator<Example> {
    const waiting: Waiting<Example>[] = [];
    for await (const record of records) {
      signal?.throwIfAborted();
      const result = encoder.encode(record, kept + waiting.length);
      // The error of a record is that of its turn, and none is left alone where an earlier one ends the work.
      result.catch(() => undefined);
      waiting.push({ id: record.id, result });
      const first = waiting.length < CONCURRENT ? undefined : waiting.shift();
      if (first !== undefined) yield* await finish(first);
    }
    for (const next of waiting) {
      signal?.throwIfAborted();
      yield* await finish(next);
    }
    if (done % REPORTED !== 0) onProgress?.(done);
    signal?.throwIfAborted();
  }
  return { counts, [Symbol.asyncIterator]: iterate };
}

/** A record that is being encoded. */
interface Waiting<Example> {
  readonly id: string;
  readonly result: Promise<EncodedRecord<Example>>;
}

/**
 * Encodes records that are in memory, in their order.
 *
 * @throws what the iteration of `encodeStream` throws
 */
export async function encodeAll<Item extends { readonly id: string }, Example>(
  records: readonly Item[],
  encoder: RecordEncoder<Item, Example>,
  { onProgress, ...options }: EncodeOptions = {},
): Promise<Examples<Example>> {
  const stream = encodeStream(records, encoder, {
    ...options,
    onProgress: (done) => onProgress?.(done, records.length),
  });
  const examples: Example[] = [];
  for await (const example of stream) examples.push(example);
  return { examples, ...stream.counts };
}

/** Looks for a prompt or a response without any text: whoever learned it would learn to be silent. */
export function emptyPart(prompt: Prompt, responses: readonly Answer[]): DegenerateReason | undefined {
  if (promptTurns(prompt).every(isEmpty)) return 'empty-prompt';
  return responses.some((response) => answerTurns(response).every(isEmpty)) ? 'empty-response' : undefined;
}

function isEmpty(turn: Turn): boolean {
  return turnText(turn).trim() === '';
}

/** Whether two sequences are the same. */
export function areEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

function refusal(reason: DegenerateReason, id: string): TrainError {
  return new TrainError(
    'no-data',
    `record ${quote(id)} ${PROBLEMS[reason]}`,
    'correct or remove it, or set degenerate to "drop" to leave such records out',
  );
}
