import { conversationText } from '@gram/base';
import type { Comparator, ComparisonItem, RunOptions } from '../../comparator/comparator.js';

/** A comparator of a plain function, and the batches that it was asked for. */
export function recorded(probability: (a: string, b: string) => number) {
  const calls: (readonly ComparisonItem[])[] = [];
  const model: Comparator = {
    compare: async (items: readonly ComparisonItem[], _options?: RunOptions) => {
      calls.push(items);
      return items.map(({ a, b }) => ({
        probability: probability(conversationText(a), conversationText(b)),
        consistent: true,
        truncated: false,
        neutralized: false,
      }));
    },
  };
  return { model, calls };
}

/** The pairs of a batch, each in one spelling whichever response is shown first. */
export function pairsOf(batch: readonly ComparisonItem[]): string[] {
  return batch.map(({ prompt, a, b }) => [prompt, ...[a, b].sort()].join('|'));
}
