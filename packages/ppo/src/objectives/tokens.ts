import { float32, type NDArray } from '@gram/engine';
import { supervisedTokens } from '@gram/train';

/** A response after its prompt, with numbers for each of its tokens. */
export interface ResponseTokens {
  /** Prompt and response. */
  readonly ids: readonly number[];
  /** Index of the response's first token. */
  readonly lossFrom: number;
}

/**
 * The arrays that an objective over response tokens needs: where they are, and named numbers of each.
 *
 * @param columns numbers of each response token of an example, in order
 * @param total weight of all tokens of the optimizer step
 */
export function responseBatch<Example extends ResponseTokens, Name extends string>(
  examples: readonly Example[],
  rows: number,
  length: number,
  total: number,
  columns: Readonly<Record<Name, (example: Example) => readonly number[]>>,
): Record<Name | 'tokens' | 'positions' | 'targets' | 'weights', NDArray> {
  const { size, count, ...arrays } = supervisedTokens(examples, rows, length);
  const column = (of: (example: Example) => readonly number[]) => {
    const values = new Float32Array(size);
    values.set(examples.flatMap((example) => [...of(example)]));
    return float32([size], values);
  };
  const named = Object.entries<(example: Example) => readonly number[]>(columns).map(
    ([name, of]) => [name, column(of)] as const,
  );
  const weights = Float32Array.from({ length: size }, (_, i) => (i < count ? 1 / total : 0));
  return { ...Object.fromEntries(named), ...arrays, weights: float32([size], weights) } as ReturnType<
    typeof responseBatch<Example, Name>
  >;
}
