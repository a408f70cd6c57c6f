import {
  describeCounts,
  type PromptFormat,
  promptFormats,
  type RewardedPrompt,
  readingNotes,
  readRewardedPrompts,
} from '@gram/data';
import type { ChatEncoder } from '@gram/tokenize';
import { locateData } from '@gram/train';
import { PpoError } from '../error.js';
import type { RlhfConfig } from '../settings/schema.js';

/** Prompts of a file that the policy can answer. */
export interface LoadedPrompts {
  readonly prompts: readonly RewardedPrompt[];
  /** Number of tokens of each prompt, in order. */
  readonly lengths: readonly number[];
  /** Counts of the records of the file, in words. */
  readonly counts: string;
  /** Notes about the file, in sentences. */
  readonly notes: readonly string[];
  readonly truncated: number;
  readonly neutralized: number;
  /** Number of prompts that were left out because they leave no room for a response. */
  readonly dropped: number;
}

/** Options of `loadPrompts`. */
export interface LoadPromptsOptions {
  /** Encodes prompts, and refuses or cuts those that leave no room. */
  readonly encoder: Pick<ChatEncoder, 'prompt'>;
  /** Whether a prompt that leaves no room is left out. */
  readonly dropsLong: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the prompts of a file and encodes each once, so that one that does not fit is known before anything is computed.
 *
 * @throws PpoError `no-data` when a file gives no prompt; TokenizeError `too-long`, which names the prompt; DataError of the readers
 */
export async function loadPrompts(
  { path, format, limit, ...source }: RlhfConfig['prompts'],
  { encoder, dropsLong, signal }: LoadPromptsOptions,
): Promise<LoadedPrompts> {
  const local = await locateData(path, { ...(signal && { signal }) });
  const reading = readRewardedPrompts(local, { ...source, format: knownFormat(format) });
  const prompts: RewardedPrompt[] = [];
  const lengths: number[] = [];
  let [dropped, truncated, neutralized] = [0, 0, 0];
  for await (const item of reading) {
    signal?.throwIfAborted();
    const encoded = await encodedOf(encoder, item, dropsLong);
    if (encoded === undefined) dropped++;
    else {
      prompts.push(item);
      lengths.push(encoded.ids.length);
      truncated += Number(encoded.truncated);
      neutralized += Number(encoded.neutralized);
    }
    if (prompts.length === limit) break;
  }
  if (prompts.length === 0) {
    const left = dropped === 0 ? '' : `, ${dropped} too long`;
    throw new PpoError(
      'no-data',
      `${path} gives no prompt: ${describeCounts(reading.counts)}${left}`,
      'check the file and its format',
    );
  }
  return {
    ...{ prompts, lengths, dropped, truncated, neutralized },
    counts: describeCounts(reading.counts),
    notes: readingNotes(reading, format !== undefined),
  };
}

async function encodedOf(encoder: Pick<ChatEncoder, 'prompt'>, item: RewardedPrompt, dropsLong: boolean) {
  try {
    return await encoder.prompt(item);
  } catch (cause) {
    const isLong = cause instanceof Error && 'code' in cause && cause.code === 'too-long';
    if (isLong && dropsLong) return undefined;
    throw cause;
  }
}

/** The name as one of the formats; the schema of the configuration has checked it. */
function knownFormat(name: string | undefined): PromptFormat | undefined {
  return promptFormats.find((candidate) => candidate === name);
}
