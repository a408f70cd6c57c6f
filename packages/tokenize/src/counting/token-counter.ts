import { type SharedWork, shareWork } from '@gram/base';
import type { Tokenizer } from '../library.js';

/** Counts the tokens of each of some texts, in threads that share the work. */
export type TokenCounter = SharedWork<readonly string[], readonly number[]>;

/** Options of `createTokenCounter`. */
export interface TokenCounterOptions {
  /** Number of threads that count, this one included. */
  readonly threads: number;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a counter of tokens, which has to be closed. Nothing is added at the ends of a text. `run` takes texts to count together:
 * a few hundred, so that a thread is soon done with them.
 *
 * @example
 * ```ts
 * const counter = createTokenCounter(loadTokenizer('path/to/model'), { threads: 4 });
 * const [first, second] = await counter.run(['Hello!', 'How are you?']);
 * await counter.close();
 * ```
 */
export function createTokenCounter(
  tokenizer: Tokenizer,
  { threads, signal }: TokenCounterOptions,
): TokenCounter {
  return shareWork((texts) => countTokens(tokenizer, texts), {
    threads,
    module: new URL('./counting-thread.js', import.meta.url),
    settings: () => tokenizer.json,
    signal,
  });
}

/** Counts the tokens of each text, in any thread. */
export async function countTokens(
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<readonly number[]> {
  const all = await Promise.all(texts.map((text) => tokenizer.encode(text)));
  return all.map(({ length }) => length);
}
