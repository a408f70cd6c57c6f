import { type Answer, answerTurns, type Prompt, promptTurns, quote, type Turn, turnText } from '@gram/base';
import { TrainError } from '../error.js';

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

/** Encoded records, and what became of the others. */
export interface Examples<Example> {
  readonly examples: readonly Example[];
  /** Number of examples that were cut to fit. */
  readonly truncated: number;
  /** Number of examples in which markers of the judging prompt were escaped. */
  readonly neutralized: number;
  /** Numbers of records that were left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** A record as an example, or the reason why it is none. */
export type EncodedRecord<Example> =
  | { readonly example: Example; readonly truncated: boolean; readonly neutralized: boolean }
  | DegenerateReason;

/** Records that are encoded at once: enough for every thread of Node's pool, and few enough to stop soon. */
const CONCURRENT = 64;

const PROBLEMS: Readonly<Record<DegenerateReason, string>> = {
  'empty-prompt': 'has an empty prompt',
  'empty-response': 'has an empty response',
  'equal-once-encoded': 'has two responses that are the same once they are cut and encoded',
};

/**
 * Encodes records in their order. The tokenizer works on the threads of Node's pool, so some records are encoded at once.
 *
 * @param encode is told the place that the example will have if no record is left out among those that are encoded at once
 * @throws {TrainError} `no-data` for a record that teaches nothing, where the options refuse it; the error of the first
 *   record that cannot be encoded; the reason of `signal`
 */
export async function encodeAll<Item extends { readonly id: string }, Example>(
  records: readonly Item[],
  encode: (record: Item, place: number) => Promise<EncodedRecord<Example>>,
  { degenerate = 'drop', onProgress, signal }: EncodeOptions = {},
): Promise<Examples<Example>> {
  const examples: Example[] = [];
  const dropped: Record<string, number> = {};
  const counts = { truncated: 0, neutralized: 0 };
  for (let start = 0; start < records.length; start += CONCURRENT) {
    signal?.throwIfAborted();
    const part = records.slice(start, start + CONCURRENT);
    // All of them are awaited, so that the error is that of the first record and none is left alone.
    const first = examples.length;
    const results = await Promise.allSettled(part.map((record, index) => encode(record, first + index)));
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason;
      const encoded = result.value;
      if (typeof encoded === 'string') {
        if (degenerate === 'error') throw refusal(encoded, part[index]?.id);
        dropped[encoded] = (dropped[encoded] ?? 0) + 1;
        continue;
      }
      examples.push(encoded.example);
      counts.truncated += encoded.truncated ? 1 : 0;
      counts.neutralized += encoded.neutralized ? 1 : 0;
    }
    onProgress?.(start + part.length, records.length);
  }
  return { examples, dropped, ...counts };
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

function refusal(reason: DegenerateReason, id: string | undefined): TrainError {
  return new TrainError(
    'no-data',
    `record ${quote(id ?? '')} ${PROBLEMS[reason]}`,
    'correct or remove it, or set degenerate to "drop" to leave such records out',
  );
}
