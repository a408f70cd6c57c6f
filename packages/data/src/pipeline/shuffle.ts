import { createRandom } from '@gram/base';
import type { Step } from './step.js';

/** Puts records in random order, all orders being equally likely. It holds all records until they end. */
export function shuffle<Item>(seed: number): Step<Item> {
  return {
    name: 'shuffle',
    async *apply(items) {
      const all: Item[] = [];
      for await (const item of items) all.push(item);
      yield* createRandom(seed, 'shuffle').shuffle(all);
    },
  };
}
