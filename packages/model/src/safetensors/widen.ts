/**
 * Widens bfloat16 to float32: the bits become the upper half. `target` holds the bits of float32 values, so that
 * the payload of a NaN survives.
 */
export function widenBfloat16(source: Uint16Array, target: Uint32Array): void {
  for (let i = 0; i < source.length; i++) target[i] = (source[i] ?? 0) << 16;
}

/** Widens IEEE 754 half precision to float32, exactly; subnormal halves become normal numbers. */
export function widenFloat16(source: Uint16Array, target: Uint32Array): void {
  for (let i = 0; i < source.length; i++) {
    const half = source[i] ?? 0;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) {
      target[i] = sign | 0x7f800000 | (fraction << 13);
    } else if (exponent !== 0) {
      // 112 = 127 - 15, the difference of the exponents' biases.
      target[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    } else if (fraction === 0) {
      target[i] = sign;
    } else {
      // fraction * 2^-24: its leading bit moves to bit 10, where it is implied.
      const shift = Math.clz32(fraction) - 21;
      target[i] = sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
    }
  }
}
