import { quote } from '@gram/base';
import {
  allFinite,
  EngineError,
  type NDArray,
  type QuantizedMatrix,
  quantizeInt4,
  quantizeInt8,
  quantizeInt8Blocks,
} from '@gram/engine';
import type { Weights } from './config/weight-shapes.js';
import { ModelError } from './error.js';

/** Weights of which the layers' matrices are 8-bit or 4-bit integers, with the head over the vocabulary in 8 bits beside them. */
export type QuantizedWeights = Readonly<Record<string, NDArray<'float32'> | QuantizedMatrix>>;

/**
 * Name of the head over the vocabulary in 8-bit integers. The head itself stays as it is, because it may be the embedding and because
 * a judge reads the rows of its labels from it; of a head in a file, memory holds the rows that are read.
 */
export const ROUNDED_HEAD = 'lm_head.rounded';

/** Number of inputs of a matrix that share a scale in blocks. */
const BLOCK = 32;

const quantizers = { int8: quantizeInt8, int4: quantizeInt4 };

/**
 * Rounds the matrices of the layers to integers, and adds the head over the vocabulary in 8 bits, which is read for every token
 * and would take most of the time in float32. Norms and embedding stay as they are, and so does the head, of which a judge reads
 * the rows of its labels. For models that are only used: such weights have no gradient. Pass them to a function that is compiled
 * with them as `constants`, so that the runtime packs them.
 *
 * @example
 * ```ts
 * const rounded = quantizeWeights(weights, 'int8');
 * ```
 *
 * @param precision `int8`, with one scale for each output, or `int4`, with one for each 32 inputs of an output: 5/8 of
 *   the memory and single tokens that take 0.7 times as long, but prompts that take 2 to 3 times as long, and
 *   products that are off by 8 % instead of 1 %
 * @throws {ModelError} `bad-weights`, naming the weight that is not finite or, for `int4`, the matrix that does not have a
 *   multiple of 32 inputs
 */
export function quantizeWeights(
  weights: Weights,
  precision: keyof typeof quantizers = 'int8',
): QuantizedWeights {
  for (const [name, { data }] of Object.entries(weights)) {
    // Rounding hides it: the scale of a row that is not finite makes numbers of what it multiplies.
    if (!allFinite(data)) throw notFinite(name);
  }
  const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
  return Object.fromEntries(
    Object.entries(weights).flatMap(([name, weight]): [string, QuantizedWeights[string]][] => [
      [name, isRounded(name) ? rounded(name, weight, precision) : weight],
      ...(name === headToRound(shapes)
        ? [[ROUNDED_HEAD, roundedHead(weight)] as [string, QuantizedMatrix]]
        : []),
    ]),
  );
}

/**
 * Name of the weight that is the head over the vocabulary and is rounded; undefined for a model that scores, and for a head whose
 * rows have no whole blocks.
 *
 * @param shapes shapes of all weights of a model
 */
export function headToRound(shapes: Readonly<Record<string, readonly number[]>>): string | undefined {
  if (Object.keys(shapes).some((name) => name.startsWith('score.'))) return undefined;
  const name = shapes['lm_head.weight'] === undefined ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return (shapes[name]?.[1] ?? 1) % BLOCK === 0 ? name : undefined;
}

/** Rounds the head over the vocabulary. */
export function roundedHead(weight: NDArray): QuantizedMatrix {
  return quantizeInt8Blocks(weight);
}

/** Whether a weight is one of the matrices that are rounded to integers. */
export function isRounded(name: string): boolean {
  return /^model\.layers\.\d+\..*_proj\.weight$/.test(name);
}

function notFinite(name: string): ModelError {
  return new ModelError(
    'bad-weights',
    `the weight ${quote(name)} holds a value that is not finite`,
    'go back to weights from before training diverged',
  );
}

/** Rounds one matrix. @throws {ModelError} as `quantizeWeights` */
export function rounded(name: string, weight: NDArray, precision: keyof typeof quantizers): QuantizedMatrix {
  try {
    return quantizers[precision](weight);
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    throw new ModelError('bad-weights', `${name}: ${cause.message}`, cause.hint, { cause });
  }
}
