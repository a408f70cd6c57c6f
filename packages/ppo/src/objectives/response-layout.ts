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

/** The response tokens of a micro-batch as arrays. */
export interface ResponseLayout<Example> {
  readonly arrays: BatchArrays<ResponseBatch>;
  /** Lays out one number for each response token, `[P]`: `of` gives those of an example, in order. */
  column(of: (example: Example) => readonly number[]): NDArray<'float32', readonly [number]>;
}

/**
 * Lays responses out for an objective over their tokens.
 *
 * @param total weight of all tokens of the optimizer step; each token has the weight `1 / total`
 */
export function responseLayout<Example extends ResponseTokens>(
  examples: readonly Example[],
  rows: number,
  length: number,
  total: number,
): ResponseLayout<Example> {
  const { size, count, tokens, positions, targets } = supervisedTokens(examples, rows, length);
  const filled = (values: readonly number[]) => {
    const data = new Float32Array(size);
    data.set(values);
    return float32([size], data);
  };
  const weights = filled(new Array<number>(count).fill(1 / total));
  return {
    arrays: { tokens, positions, targets, weights },
    column: (of) => filled(examples.flatMap(of)),
  };
}
