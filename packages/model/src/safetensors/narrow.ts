/**
 * Rounds float32 to bfloat16, to nearest and ties to even, as PyTorch does; a NaN stays one.
 *
 * @param source bits of float32 values
 * @param target at least as long
 */
export function roundToBfloat16(source: Uint32Array, target: Uint16Array): void {
  for (let i = 0; i < source.length; i++) {
    const bits = source[i] ?? 0;
    // Half of the last kept place, less one where that place is even.
    const rounded = bits + 0x7fff + ((bits >>> 16) & 1);
    target[i] = (bits & 0x7fffffff) > 0x7f800000 ? (bits >>> 16) | 0x40 : rounded >>> 16;
  }
}
