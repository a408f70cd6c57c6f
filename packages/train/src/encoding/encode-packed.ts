import { type PackedExamples, packExamples } from '../examples/pack.js';
import { type Chunk, type EncodingCounts, encodeChunk, type RecordEncoder } from './encode-all.js';
import type { EncoderSettings } from './encoder-settings.js';

/** The examples of a chunk as a store keeps them, and what became of its other records. */
export interface EncodedChunk extends PackedExamples, EncodingCounts {
  /** Number of records. */
  readonly records: number;
}

/** All that the threads that encode are given when they start. */
export interface ThreadSettings {
  readonly encoder: EncoderSettings;
  readonly degenerate: 'drop' | 'error';
}

/** Encodes a chunk for a store, in any thread. Throws as `encodeChunk` does. */
export async function encodePacked<Item extends { readonly id: string }, Example>(
  encoder: RecordEncoder<Item, Example>,
  chunk: Chunk<Item>,
  degenerate: 'drop' | 'error',
): Promise<EncodedChunk> {
  const { examples, ...counts } = await encodeChunk(encoder, chunk, degenerate);
  return { ...counts, ...packExamples(encoder.codec, examples), records: chunk.records.length };
}
