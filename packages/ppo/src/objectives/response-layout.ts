import { float32, type NDArray } from '@gram/engine';
import { type BatchArrays, supervisedTokens, type TokenBatch, type Vector } from '@gram/train';

/** A response after its prompt. */
export interface ResponseTokens {
  /** Prompt and response. */
  readonly ids: readonly number[];
  /** Index of the response's first token. */
  readonly lossFrom: number;
}

/** Sequences `[B, T]` with their P response tokens. */
export type ResponseBatch = TokenBatch & {
  /** `[P]`: the weight of each response token. */
  readonly weights: Vector<'float32'>;
};

/** The arrays of a `ResponseBatch` with one number for each response token. */
export const PER_TOKEN = [
  'positions',
  'targets',
  'weights',
] as const satisfies readonly (keyof ResponseBatch)[];

/** The response tokens of a micro-batch as arrays. */
export interface ResponseLayout<Example> {
  readonly arrays: BatchArrays<ResponseBatch>;
  /** Lays out one number for each response token, `[P]`: `of` gives those of an example, in order. */
  column(of: (example: Example) => readonly number[]): NDArray<'float32', readonly [number]>;
  /** Lays out a number of each example, repeated for each of its response tokens, `[P]`. */
  repeated(of: (example: Example) => number): NDArray<'float32', readonly [number]>;
}

/** Number of tokens of a response. */
export function responseLength({ ids, lossFrom }: ResponseTokens): number {
  return ids.length - lossFrom;
}

/**
 * Lays responses out for an objective over their tokens.
 *
 * @param weightOf gives the weight of each token of a response
 */
export function responseLayout<Example extends ResponseTokens>(
  examples: readonly Example[],
  rows: number,
  length: number,
  weightOf: (example: Example) => number,
): ResponseLayout<Example> {
  const { size, tokens, positions, targets } = supervisedTokens(examples, rows, length);
  const filled = (values: readonly number[]) => {
    const data = new Float32Array(size);
    data.set(values);
    return float32([size], data);
  };
  const repeated = (of: (example: Example) => number) =>
    filled(examples.flatMap((example) => new Array<number>(responseLength(example)).fill(of(example))));
  return {
    arrays: { tokens, positions, targets, weights: repeated(weightOf) },
    column: (of) => filled(examples.flatMap(of)),
    repeated,
  };
}
