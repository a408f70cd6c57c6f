import {
  type Answer,
  answerTurns,
  mapOrdered,
  type Prompt,
  promptTurns,
  quote,
  type Turn,
  turnText,
} from '@gram/base';
import { type DataRecord, recordChunks } from '@gram/data';
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
  | { readonly example: Example; readonly truncated: boolean; readonly neutralized: boolean }
  | DegenerateReason;

/** A way of encoding records with its constants, as plain data. */
export type Way =
  | { readonly kind: 'response-pairs' | 'demonstrations' | 'reward-pairs' | 'policy-pairs' }
  | { readonly kind: 'preferences'; readonly seed: number; readonly bothOrders: boolean };

/** Makes examples of records. */
export interface RecordEncoder<Item, Example> {
  /** Its way, of which another thread makes the same encoder. Stored examples of another way are not used. */
  readonly way: Way;
  readonly codec: ExampleCodec<Example>;
  /**
   * Encodes a record.
   *
   * @param place its place among all records
   */
  encode(record: Item, place: number): Promise<EncodedRecord<Example>>;
}

/** Records that are encoded one after the other, and the place of the first one among all. */
export interface Chunk<Item> {
  readonly first: number;
  readonly records: readonly Item[];
}

/** Records of a chunk that are encoded at once: conversations that are new to a template share a process that renders it. */
const CONCURRENT = 16;

/** Gathers records in chunks. */
export async function* chunksOf<Item extends DataRecord>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<Chunk<Item>, void, undefined> {
  let first = 0;
  for await (const records of recordChunks(items)) {
    yield { first, records };
    first += records.length;
  }
}

/**
 * Encodes the records of a chunk.
 *
 * @throws {TrainError} `no-data` for a record that teaches nothing, where that is to be refused; the error of the first record that
 *   cannot be encoded
 */
export async function encodeChunk<Item extends { readonly id: string }, Example>(
  encoder: RecordEncoder<Item, Example>,
  { first, records }: Chunk<Item>,
  degenerate: 'drop' | 'error',
): Promise<Examples<Example>> {
  const examples: Example[] = [];
  const dropped: Record<string, number> = {};
  let [truncated, neutralized] = [0, 0];
  const encode = async ([at, record]: [number, Item]) => ({
    id: record.id,
    encoded: await encoder.encode(record, first + at),
  });
  for await (const { id, encoded } of mapOrdered(records.entries(), encode, CONCURRENT)) {
    if (typeof encoded === 'string') {
      if (degenerate === 'error') throw refusal(encoded, id);
      dropped[encoded] = (dropped[encoded] ?? 0) + 1;
      continue;
    }
    examples.push(encoded.example);
    truncated += encoded.truncated ? 1 : 0;
    neutralized += encoded.neutralized ? 1 : 0;
  }
  return { examples, truncated, neutralized, dropped };
}

/** Counts of chunks together. */
export class EncodingTotals implements EncodingCounts {
  truncated = 0;
  neutralized = 0;
  readonly dropped: Record<string, number> = {};

  add({ truncated, neutralized, dropped }: EncodingCounts): void {
    this.truncated += truncated;
    this.neutralized += neutralized;
    for (const [reason, count] of Object.entries(dropped))
      this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
  }
}

/**
 * Encodes records that are in memory, in their order.
 *
 * @throws what `encodeChunk` throws; the reason of `signal`
 */
export async function encodeAll<Item extends DataRecord, Example>(
  records: readonly Item[],
  encoder: RecordEncoder<Item, Example>,
  { degenerate = 'drop', onProgress, signal }: EncodeOptions = {},
): Promise<Examples<Example>> {
  const totals = new EncodingTotals();
  const examples: Example[] = [];
  for await (const chunk of chunksOf(records)) {
    signal?.throwIfAborted();
    const encoded = await encodeChunk(encoder, chunk, degenerate);
    for (const example of encoded.examples) examples.push(example);
    totals.add(encoded);
    onProgress?.(chunk.first + chunk.records.length, records.length);
    // Only now are signals heard.
    await new Promise(setImmediate);
  }
  signal?.throwIfAborted();
  const { truncated, neutralized, dropped } = totals;
  return { examples, truncated, neutralized, dropped };
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

const PROBLEMS: Readonly<Record<DegenerateReason, string>> = {
  'empty-prompt': 'has an empty prompt',
  'empty-response': 'has an empty response',
  'equal-once-encoded': 'has two responses that are the same once they are cut and encoded',
};

function refusal(reason: DegenerateReason, id: string): TrainError {
  return new TrainError(
    'no-data',
    `record ${quote(id)} ${PROBLEMS[reason]}`,
    'correct or remove it, or set degenerate to "drop" to leave such records out',
  );
}
