import type { Llama3Scaling } from '../rope/scaling.js';

/** The tensor by which llama.cpp divides the frequencies of the rotary embedding, one factor each. */
export const ROPE_FACTORS = 'rope_freqs.weight';

// Every published model with this scaling has these; only the factor differs (8 in Llama 3.1, 32 in Llama 3.2).
const PUBLISHED = {
  type: 'llama3',
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalMaxPositionEmbeddings: 8192,
} as const;

// The converter computes in float32.
const TOLERANCE = 1e-4;

/**
 * Factors of the llama3 scaling, as the converter of llama.cpp writes them, one for each pair of a head.
 *
 * Source: https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py (generate_extra_tensors)
 */
export function llama3Factors(scaling: Llama3Scaling, ropeTheta: number, headDim: number): Float64Array {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: length } = scaling;
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const wave = 2 * Math.PI * ropeTheta ** ((2 * i) / headDim);
    if (wave < length / high) return 1;
    if (wave > length / low) return factor;
    const smooth = (length / wave - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/**
 * The scaling that gives these factors: none when all are 1, the llama3 scaling with published constants when every
 * factor follows from it, and otherwise `'unknown'`.
 *
 * @param factors `[headDim / 2]`
 */
export function scalingOfFactors(
  factors: Float32Array,
  ropeTheta: number,
  headDim: number,
): Llama3Scaling | undefined | 'unknown' {
  if (factors.every((factor) => factor === 1)) return undefined;
  const scaling = { ...PUBLISHED, factor: factors.at(-1) ?? 1 };
  if (!(scaling.factor > 1)) return 'unknown';
  const expected = llama3Factors(scaling, ropeTheta, headDim);
  const matches =
    factors.length === expected.length &&
    factors.every((factor, i) => {
      const wanted = expected[i] ?? Number.NaN;
      return Math.abs(factor - wanted) <= TOLERANCE * wanted;
    });
  return matches ? scaling : 'unknown';
}
