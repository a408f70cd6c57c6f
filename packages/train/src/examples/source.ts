import { elementAt } from '../checked.js';
import type { ExampleMeasure } from './codec.js';

/**
 * Examples that are read when they are needed, in any order. What a run has to know of all of them at any time, their lengths and
 * weights, is in memory; the examples themselves may lie on disk.
 */
export interface ExampleSource<Example> {
  readonly count: number;
  /** Length of an example in tokens, as its objective counts it. */
  length(index: number): number;
  /** Weight of an example, as its objective counts it. */
  weight(index: number): number;
  /** Reads examples, in the order of the indices. */
  read(indices: readonly number[]): Promise<readonly Example[]>;
  /** Parts that identify the examples, of which a checkpoint keeps a hash. */
  identity(): Iterable<string>;
}

/** Examples in memory, or a source of them. */
export type ExampleInput<Example> = readonly Example[] | ExampleSource<Example>;

/** Makes a source of examples that are in memory; one that is given stays as it is. */
export function sourceOf<Example>(
  examples: ExampleInput<Example>,
  measure: ExampleMeasure<Example>,
): ExampleSource<Example> {
  if ('read' in examples) return examples;
  return {
    count: examples.length,
    length: (index) => measure.length(elementAt(examples, index)),
    weight: (index) => measure.weight(elementAt(examples, index)),
    read: async (indices) => indices.map((index) => elementAt(examples, index)),
    *identity() {
      for (const example of examples) yield `${JSON.stringify(example)}\n`;
    },
  };
}

/** Length of the longest of all examples, and the sum of their lengths, in tokens. */
export function lengthsOf(source: Pick<ExampleSource<unknown>, 'count' | 'length'>) {
  let [longest, tokens] = [0, 0];
  for (let index = 0; index < source.count; index++) {
    const length = source.length(index);
    longest = Math.max(longest, length);
    tokens += length;
  }
  return { longest, tokens };
}

/** Lists the indices of examples from the shortest to the longest. */
export function byLength(source: Pick<ExampleSource<unknown>, 'count' | 'length'>): number[] {
  const order = Array.from({ length: source.count }, (_, index) => index);
  return order.sort((a, b) => source.length(a) - source.length(b) || a - b);
}
