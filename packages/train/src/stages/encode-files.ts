import { sha256 } from '@gram/base';
import { describeCounts } from '@gram/data';
import { z } from 'zod';
import type { EncodingCounts, RecordEncoder } from '../encoding/encode-all.js';
import { encodeStream } from '../encoding/encode-stream.js';
import type { EncodingTools } from '../encoding/encoder-settings.js';
import { TrainError } from '../error.js';
import { cachedStore } from '../examples/cache.js';
import type { ExampleSource } from '../examples/source.js';
import type { CheckedFile, StageRecord } from './read-data.js';

/** The examples of one file, with what became of its other records. */
export interface EncodedFile<Example> extends EncodingCounts {
  readonly examples: ExampleSource<Example>;
  /** Hash of the file, or of the hashes of several. */
  readonly sha256: string;
  /** Format of the file, named or recognized. */
  readonly format: string;
  /** What a person should know about the file, in sentences. */
  readonly notes: readonly string[];
  /** Number of records that were read: the examples and what was dropped. */
  readonly records: number;
  /** Number of records whose id an earlier one has. */
  readonly repeatedIds: number;
}

/** Tools of encoding, and who watches. */
export interface EncodeFileOptions extends EncodingTools {
  readonly stage: string;
  readonly degenerate: 'drop' | 'error';
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of records that were encoded so far, and at the end. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

const countsSchema = z.object({
  truncated: z.int().min(0),
  neutralized: z.int().min(0),
  dropped: z.record(z.string(), z.int().min(0)),
});

/**
 * Encodes the records of a file into a store on disk, unless there is one of the same content and settings.
 *
 * @throws {TrainError} `no-data` where no record teaches anything, `bad-examples`; the errors of reading and encoding; the reason
 *   of `signal`
 */
export async function encodeFile<Item extends StageRecord, Example>(
  encoder: RecordEncoder<Item, Example>,
  file: CheckedFile<Item>,
  options: EncodeFileOptions,
): Promise<EncodedFile<Example>> {
  const { degenerate, signal, onProgress } = options;
  const encode = () =>
    encodeStream(file.items(), encoder, { tools: options, degenerate, signal, onProgress });
  const store = await cachedStore(keyOf(encoder, file, options), encoder.codec, encode, { signal });
  onProgress?.(file.count);
  signal?.throwIfAborted();
  const counts = countsSchema.parse(store.notes);
  const dropped: Record<string, number> = { ...file.dropped };
  for (const [reason, count] of Object.entries(counts.dropped))
    dropped[reason] = (dropped[reason] ?? 0) + count;
  const records = store.count + Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const { path, format, notes, repeatedIds } = file;
  if (store.count === 0) {
    const described = describeCounts({ repeatedIds, read: records, kept: 0, dropped });
    throw new TrainError('no-data', `${path} gives no example: ${described}`, 'correct or replace the file');
  }
  return { ...counts, examples: store, sha256: file.sha256, dropped, records, format, notes, repeatedIds };
}

/** All that the examples of a file follow from. */
function keyOf(
  { way }: RecordEncoder<never, unknown>,
  file: Pick<CheckedFile<never>, 'sha256' | 'reading'>,
  { stage, encoding: { tokenizer, chat, ...encoding }, judgePrompt, degenerate }: EncodeFileOptions,
): object {
  return {
    data: file.sha256,
    reading: file.reading,
    stage,
    way,
    tokenizer: sha256(tokenizer.json),
    chat: chat.id,
    judgePrompt: judgePrompt ?? null,
    encoding,
    degenerate,
  };
}
