import { conversationKey } from '@gram/base';
import type { Comparator, ResponseItem, ScoredResponse } from './comparator.js';

/** What was done to the texts of a response before a model read them. */
export type TextFlags = Pick<ScoredResponse, 'truncated' | 'neutralized'>;

/** A comparator that notes what was done to texts. */
export interface FlagRecorder extends Comparator {
  /** Returns the flags of all comparisons in which a response stood so far; which text of a pair they are about is not said. */
  flagsOf(item: Pick<ResponseItem, 'prompt' | 'response'>): TextFlags;
}

/** Makes a comparator that notes the flags of each comparison for both of its responses. Its functions do not depend on `this`. */
export function recordFlags({ compare }: Comparator): FlagRecorder {
  const noted = new Map<string, TextFlags>();
  const keyOf = ({ prompt, response }: Pick<ResponseItem, 'prompt' | 'response'>) =>
    JSON.stringify([prompt, response].map(conversationKey));
  const unflagged: TextFlags = { truncated: false, neutralized: false };
  const flagsOf: FlagRecorder['flagsOf'] = (item) => noted.get(keyOf(item)) ?? unflagged;
  return {
    flagsOf,
    async compare(items, options) {
      const results = await compare(items, options);
      for (const [index, { prompt, a, b }] of items.entries()) {
        const { truncated = false, neutralized = false } = results[index] ?? unflagged;
        if (!truncated && !neutralized) continue;
        for (const response of [a, b]) {
          const before = flagsOf({ prompt, response });
          noted.set(keyOf({ prompt, response }), {
            truncated: before.truncated || truncated,
            neutralized: before.neutralized || neutralized,
          });
        }
      }
      return results;
    },
  };
}
