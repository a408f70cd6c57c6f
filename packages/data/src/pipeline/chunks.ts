import { mapOrdered, type SharedWork, zip } from '@gram/base';
import { type DataRecord, textsOf } from './record-texts.js';

/** Bounds of a chunk: soon done, so that threads that share the work end at the same time and can be stopped at once. */
const RECORDS = 64;
const CHARACTERS = 2 ** 17;

/** Gathers records that follow each other in lists, to be worked on together. Those before one that cannot be read are given before its error. */
export async function* recordChunks<Item extends DataRecord>(
  records: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<readonly Item[], void, undefined> {
  let chunk: Item[] = [];
  let characters = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const record of records) {
      chunk.push(record);
      for (const text of textsOf(record)) characters += text.length;
      if (chunk.length < RECORDS && characters < CHARACTERS) continue;
      yield chunk;
      [chunk, characters] = [[], 0];
    }
  } catch (error) {
    failure = { error };
  }
  if (chunk.length > 0) yield chunk;
  if (failure !== undefined) throw failure.error;
}

/** A record, and the number of tokens of its prompt and of each of its responses. */
export interface CountedRecord<Item> {
  readonly item: Item;
  readonly counts: readonly number[];
}

/**
 * Counts the tokens of records, and gives these in their order.
 *
 * @param counter counts the tokens of each of some texts, such as `createTokenCounter` of `@gram/tokenize`; it is closed at the end
 */
export async function* withTokenCounts<Item extends DataRecord>(
  records: AsyncIterable<Item>,
  counter: SharedWork<readonly string[], readonly number[]>,
): AsyncGenerator<CountedRecord<Item>, void, undefined> {
  const count = async (chunk: readonly Item[]): Promise<CountedRecord<Item>[]> => {
    const texts = chunk.map(textsOf);
    const counts = await counter.run(texts.flat());
    let end = 0;
    return zip(chunk, texts).map(([item, { length }]) => {
      end += length;
      return { item, counts: counts.slice(end - length, end) };
    });
  };
  try {
    for await (const counted of mapOrdered(recordChunks(records), count, counter.limit)) yield* counted;
  } finally {
    await counter.close();
  }
}
