import { mapOrdered, shareWork, threadCount } from '@gram/base';
import type { DataRecord } from '@gram/data';
import type { ExampleStream } from '../examples/cache.js';
import type { PackedExamples } from '../examples/pack.js';
import { type Chunk, chunksOf, EncodingTotals, type RecordEncoder } from './encode-all.js';
import { type EncodedChunk, encodePacked, type ThreadSettings } from './encode-packed.js';
import { type EncodingTools, encoderSettings } from './encoder-settings.js';

/** Options of `encodeStream`. */
export interface StreamOptions {
  /** The tools that the encoder was made with. */
  readonly tools: EncodingTools;
  readonly degenerate: 'drop' | 'error';
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of records that were encoded so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Encodes records as they come, in chunks that as many threads share as the machine runs at once (`GRAM_THREADS`), and gives their
 * examples in the order of the records, the same for any number of threads. No more records are in memory than keep the threads busy.
 *
 * The iteration throws TrainError `no-data` for a record that teaches nothing, where the options refuse it; the error of the
 * first record that cannot be read or encoded; the reason of `signal`. Its notes are the counts of the records.
 */
export function encodeStream<Item extends DataRecord, Example>(
  records: AsyncIterable<Item>,
  encoder: RecordEncoder<Item, Example>,
  { tools, degenerate, onProgress, signal }: StreamOptions,
): ExampleStream {
  const counts = new EncodingTotals();
  async function* iterate(): AsyncGenerator<PackedExamples> {
    const here = (chunk: Chunk<Item>) => encodePacked(encoder, chunk, degenerate);
    const settings = (): ThreadSettings => ({ encoder: encoderSettings(encoder.way, tools), degenerate });
    const work = shareWork<Chunk<Item>, EncodedChunk>(here, {
      threads: threadCount(),
      module: new URL('./encoding-thread.js', import.meta.url),
      ...{ settings, signal },
    });
    let done = 0;
    try {
      for await (const chunk of mapOrdered(chunksOf(records), work.run, work.limit)) {
        signal?.throwIfAborted();
        counts.add(chunk);
        done += chunk.records;
        onProgress?.(done);
        yield chunk;
      }
      signal?.throwIfAborted();
    } finally {
      await work.close();
    }
  }
  return { notes: () => counts, [Symbol.asyncIterator]: iterate };
}
